import ImgHTTP
import ImgOCI
import ImgStream

/// The content of a blob, pulled chunk by chunk, hashed on the way, and resumed when a transfer breaks.
package actor BlobStream {
    /// Bytes that earn fresh attempts (PULL-26).
    private static let freeProgress: Int64 = 1 << 20

    private let session: Session
    private let descriptor: Descriptor
    private var source: BlobSource?
    private var position: Int64
    private var markedPosition: Int64
    private let check: DigestCheck?
    private var budget: RetryBudget
    private var urls: [String]
    /// Who sent the last reply.
    private var sender: String
    private var endpoint: Endpoint?
    /// How the last reply said to be encoded.
    private var encoding: String?
    /// Whether replies with an encoding are decoded; nil until one has shown what the digest is of (NET-3).
    private var decodes: Bool?
    /// How it ended, for all who ask on.
    private var end: Result<[UInt8]?, RegistryError>?

    /// - Parameters:
    ///   - start: The first byte wanted.
    ///   - isChecked: Whether the digest is compared before the last bytes are given; only of a stream from 0 on.
    init(session: Session, descriptor: Descriptor, from start: Int64 = 0, isChecked: Bool = true) {
        self.session = session
        self.descriptor = descriptor
        position = start
        markedPosition = start
        check = isChecked ? DigestCheck(descriptor.digest.algorithm) : nil
        budget = RetryBudget(options: session.options)
        urls = descriptor.urls
        sender = session.host.name
    }

    private var operation: String { "download blob \(descriptor.digest)" }

    /// The next bytes, at most 64 KiB; nil after the last, when size and digest are right.
    package func next() async throws(RegistryError) -> [UInt8]? {
        if let end { return try end.get() }
        do {
            if let chunk = try await pull() { return chunk }
            end = .success(nil)
            return nil
        } catch {
            let error = endpoint.map { session.noting(error, from: $0) } ?? error
            end = .failure(error)
            throw error
        }
    }

    private func pull() async throws(RegistryError) -> [UInt8]? {
        while true {
            // Opening has attempts of its own: when they are used up, that is final.
            if source == nil, position < descriptor.size || (descriptor.size == 0 && position == 0) {
                source = try await open()
            }
            do {
                guard let chunk = try await read() else {
                    // Nothing at all has a digest, too.
                    if descriptor.size == 0 { try verify() }
                    return nil
                }
                // Before the last bytes are given: whoever passes them on would have sent all of it.
                if position == descriptor.size { try verify() }
                return chunk
            } catch {
                source = nil
                try await recover(from: error)
            }
        }
    }

    private func read() async throws(RegistryError) -> [UInt8]? {
        guard let source else { return nil }
        guard let chunk = try await source.next(session, operation) else {
            guard position == descriptor.size else {
                throw broken("it ended after \(position) of \(descriptor.size) bytes\(encodingNote)")
            }
            return nil
        }
        position += Int64(chunk.count)
        guard position <= descriptor.size else {
            throw session.error(
                .sizeMismatch,
                operation,
                "the registry sends more than the \(descriptor.size) bytes announced\(encodingNote)"
            )
        }
        check?.update(chunk)
        return chunk
    }

    private var encodingNote: String { encoding.map { ", encoded as \(ServerText.clean($0, limit: 40))" } ?? "" }

    private func broken(_ reason: String) -> RegistryError {
        var error = session.error(.network, operation, reason)
        error.isTransient = true
        return error
    }

    private func verify() throws(RegistryError) {
        if let check, !check.matches(descriptor.digest) { throw mismatch }
    }

    /// What a content that has another digest is told as.
    var mismatch: RegistryError {
        var error = session.error(
            .digestMismatch,
            operation,
            "the content does not have the digest \(descriptor.digest)"
        )
        error.notes = ["\(position) bytes sent by \(sender)\(encodingNote)"]
        error.hints = ["a mirror, proxy or cache on the way is corrupt"]
        return error
    }

    /// Waits for the next attempt, or gives up.
    private func recover(from failure: RegistryError) async throws(RegistryError) {
        if position - markedPosition >= Self.freeProgress {
            budget.reset()
            markedPosition = position
        }
        // Requests have their own attempts; what ends up here for good is final.
        guard failure.code == .network, failure.isTransient, let delay = budget.next(after: failure) else {
            throw budget.final(failure, identity: nil)
        }
        try await session.wait(delay, after: failure, attempt: budget.attempt)
    }
}

// MARK: - Opening

extension BlobStream {
    private func open() async throws(RegistryError) -> BlobSource {
        do {
            return try await open(Call(.get, .repository("blobs/\(descriptor.digest)"), .read, operation))
        } catch let error where error.isMissing && !urls.isEmpty {
            return try await openForeign(after: error)
        }
    }

    private func open(_ call: Call) async throws(RegistryError) -> BlobSource {
        var call = call.accepting("*/*")
        // The digest is of the bytes as they are stored: nobody on the way may compress them (NET-3).
        call.headers.append(Endpoint.Header(name: "Accept-Encoding", value: "identity"))
        call.weight = .held
        // A range would be one of the encoded bytes.
        if position > 0, decodes != true {
            call.headers.append(Endpoint.Header(name: "Range", value: "bytes=\(position)-"))
        }
        let reply: Reply
        do {
            reply = try await session.read(call, needing: .pull)
        } catch let error where error.status == 416 && position > 0 {
            throw session.error(
                .sizeMismatch,
                operation,
                "the registry has fewer than the \(descriptor.size) bytes announced"
            )
        }
        sender = URLParts(reply.url)?.authority ?? sender
        if case .absolute = call.target { endpoint = nil } else { endpoint = reply.endpoint }
        encoding = reply.encoding
        guard reply.status == 206 else {
            if decodes == nil, reply.isGzip {
                guard let length = reply.response.headers.contentLength else {
                    decodes = try await !isAsStored(reply)
                    return try await source(session.read(call, needing: .pull))
                }
                decodes = length != descriptor.size
            }
            return try source(reply)
        }
        guard let range = reply.header("Content-Range"), range.hasPrefix("bytes \(position)-") else {
            throw session.error(.protocol, operation, "the registry sent another range than the one asked for")
        }
        return BlobSource(reply.response.body)
    }

    /// The bytes of a reply that begins with the first.
    private func source(_ reply: Reply) throws(RegistryError) -> BlobSource {
        guard decodes == true, reply.isGzip else { return BlobSource(reply.response.body, skipping: position) }
        do {
            return BlobSource(reply.response.body, skipping: position, decoder: try ContentDecoder())
        } catch {
            throw session.error(.configuration, operation, error.message)
        }
    }

    /// Whether the bytes of a reply, as they come, are those of the blob.
    private func isAsStored(_ reply: Reply) async throws(RegistryError) -> Bool {
        let source = BlobSource(reply.response.body)
        let check = DigestCheck(descriptor.digest.algorithm)
        var count: Int64 = 0
        while let chunk = try await source.next(session, operation) {
            count += Int64(chunk.count)
            guard count <= descriptor.size else { return false }
            check.update(chunk)
        }
        return check.matches(descriptor.digest)
    }

    /// Foreign layers have other places, asked without credentials; in clear text only where the registry is, too (PULL-21).
    private func openForeign(after failure: RegistryError) async throws(RegistryError) -> BlobSource {
        var last = failure
        let own = try await session.configuration().endpoints.last?.authority ?? session.host.apiHost
        let scheme = session.host.mode(for: own)?.scheme ?? "https"
        for url in urls where url.hasPrefix("https://") || url.hasPrefix("\(scheme)://") {
            do {
                let base = "\(scheme)://\(own)/"
                let target = try await Redirect.target(url, from: base, by: session, operation)
                return try await open(Call(.get, .absolute(target), .read, operation))
            } catch {
                last = error
            }
        }
        throw last
    }
}

/// The body of one reply, decoded if need be, less the bytes that are there already.
final class BlobSource: Sendable {
    private let reader: BodyReader
    private let skipping: Int64

    init(_ body: HTTPResponseBody, skipping: Int64 = 0, decoder: sending ContentDecoder? = nil) {
        reader = BodyReader(body, decoder)
        self.skipping = skipping
    }

    func next(_ session: Session, _ operation: String) async throws(RegistryError) -> [UInt8]? {
        do {
            return try await reader.next(skipping: skipping)
        } catch let error as HTTPError {
            let code: RegistryError.Code = error.code == .cancelled ? .cancelled : .network
            var failure = session.error(code, operation, "the transfer broke off: \(error.message)")
            failure.isTransient = code == .network
            throw failure
        } catch let error as StreamError {
            throw session.error(.digestMismatch, operation, "its encoding can't be undone: \(error.message)")
        } catch {
            throw session.error(.cancelled, operation, "cancelled")
        }
    }
}

/// Pulls chunks from a body for one reader at a time.
private actor BodyReader {
    private var iterator: HTTPResponseBody.AsyncIterator?
    private let decoder: ContentDecoder?
    private var skipped: Int64 = 0

    init(_ body: HTTPResponseBody, _ decoder: sending ContentDecoder?) {
        iterator = body.makeAsyncIterator()
        self.decoder = decoder
    }

    func next(skipping: Int64) async throws -> [UInt8]? {
        while let chunk = try await decoded() {
            guard skipped < skipping else { return chunk }
            let surplus = skipped + Int64(chunk.count) - skipping
            skipped += Int64(chunk.count)
            if surplus > 0 { return Array(chunk.suffix(Int(surplus))) }
        }
        return nil
    }

    private func decoded() async throws -> [UInt8]? {
        guard let decoder else { return try await received() }
        while true {
            let bytes = try decoder.next()
            if !bytes.isEmpty { return bytes }
            guard let chunk = try await received() else {
                guard decoder.isComplete else { throw StreamError(.corrupt, "the gzip stream ends too early") }
                return nil
            }
            decoder.feed(chunk)
        }
    }

    private func received() async throws -> [UInt8]? {
        guard var taken = iterator.take() else { return nil }
        let chunk = try await taken.next()
        iterator = taken
        return chunk
    }
}
