import ImgHTTP
import ImgOCI
import ImgReport
import ImgTasks

/// The upload of one blob: sessions, methods, and what to do when they fail (11.3, 11.4).
struct BlobUpload: Sendable {
    let repository: Repository
    let descriptor: Descriptor
    let body: UploadBody
    let progress: TransferCounter?

    /// Bytes that make a session worth resuming, and a reset a sign of a wrong method.
    private static let worthwhile: Int64 = 1 << 20

    var session: Session { repository.session }
    var host: RegistryHost { session.host }
    var operation: String { "push blob \(descriptor.digest)" }

    /// - Parameter opened: A session that a refused mount has left.
    func run(continuing opened: String?) async throws(RegistryError) {
        var budget = RetryBudget(options: session.options)
        var methods = host.uploadMethods[...]
        var upload = opened.map { UploadSession(url: $0) }
        var resets = 0
        while let method = methods.first {
            // Opening has attempts of its own: when they are used up, that is final.
            if upload == nil { upload = try await start() }
            guard var open = upload else { return }
            upload = nil
            client.openUploads.note(open, session)
            do throws(RegistryError) {
                try await send(&open, by: method)
                client.openUploads.close(open.id)
                host.remember(method)
                return
            } catch {
                guard Self.isWorthTrying(after: error) else { throw budget.final(error, identity: nil) }
                let isBroken = error.code == .network && !error.isBeforeSending && descriptor.size > Self.worthwhile
                if isBroken { resets += 1 }
                if try await isThere(after: error) { return }
                if let resumed = await resume(open, isBroken: isBroken, after: error), try await finish(resumed) {
                    return
                }
                if methods.count > 1, Self.movesOn(from: method, after: error, resets: resets) {
                    client.events.emit(
                        .debug("\(operation): method \(method.rawValue) failed (\(error.reason)), trying another")
                    )
                    await cancel(open)
                    methods.removeFirst()
                    resets = 0
                    continue
                }
                var failure = error
                if failure.code == .uploadUnknown || failure.code == .blobUnknown || failure.status == 416 {
                    failure.isTransient = true
                }
                guard let delay = budget.next(after: failure) else {
                    throw explained(budget.final(failure, identity: nil), method)
                }
                repository.report(descriptor, .retrying(attempt: budget.attempt, reason: failure.reason))
                try await session.wait(delay, after: failure, attempt: budget.attempt)
            }
        }
    }

    private var client: RegistryClient { session.client }

    private static func isWorthTrying(after error: RegistryError) -> Bool {
        switch error.code {
        case .unauthorized, .denied, .cancelled, .tls, .configuration, .blocked, .repositoryUnknown, .digestMismatch:
            false
        default: true
        }
    }

    /// Whether another method may do better (PUSH-25).
    private static func movesOn(from method: UploadMethod, after error: RegistryError, resets: Int) -> Bool {
        switch method {
        case .whole:
            return [405, 411, 413, 415].contains(error.status) || resets >= 2
                || error.code == .uploadUnknown || error.code == .blobUnknown
        case .patch: return [413, 416].contains(error.status) || resets >= 2
        case .chunks: return false
        }
    }

    /// A request whose reply got lost may have succeeded (RETRY-3).
    private func isThere(after error: RegistryError) async throws(RegistryError) -> Bool {
        let isAmbiguous = error.code == .uploadUnknown || (error.status ?? 500) >= 500
        guard isAmbiguous, !error.isBeforeSending else { return false }
        return try await repository.hasBlob(descriptor)
    }

    private func explained(_ error: RegistryError, _ method: UploadMethod) -> RegistryError {
        var copy = error
        copy.notes.append("last upload method: \(method.rawValue); \(descriptor.size) bytes in all, \(error.sent) sent")
        return copy
    }

    /// What a broken session has already, when that is worth keeping (PUSH-18).
    private func resume(
        _ broken: UploadSession,
        isBroken: Bool,
        after error: RegistryError
    ) async -> (UploadSession, Int64)? {
        var upload = broken
        guard isBroken || error.status == 416, host.quirks.methods.contains(.chunks),
            let offset = try? await offset(of: &upload), offset > Self.worthwhile, offset < descriptor.size
        else { return nil }
        return (upload, offset)
    }

    private func finish(_ resumed: (UploadSession, Int64)) async throws(RegistryError) -> Bool {
        var (upload, offset) = resumed
        client.events.emit(.debug("\(operation): continuing at byte \(offset)"))
        do {
            try await sendChunks(&upload, from: offset)
            return true
        } catch {
            guard Self.isWorthTrying(after: error) else { throw error }
            client.events.emit(.debug("\(operation): could not be continued (\(error.reason)), starting over"))
            return false
        }
    }
}

// MARK: - Sessions

extension BlobUpload {
    /// Opens a session; nil when the registry finds that it has the blob (PUSH-14).
    private func start() async throws(RegistryError) -> UploadSession? {
        do {
            return try await post()
        } catch let error where error.code == .repositoryUnknown {
            return try await startInNewRepository(after: error)
        } catch let error where error.code == .network && host.quirks.product == .ecr {
            throw await lookingForRepository(after: error)
        }
    }

    private func post() async throws(RegistryError) -> UploadSession? {
        let call = Call(.post, .repository("blobs/uploads/"), .write, operation).withEmptyBody
        let reply = try await session.send(call)
        await reply.drain()
        if reply.status == 201 { return nil }
        guard let location = reply.header("Location") else {
            throw session.error(.protocol, operation, "the registry opened an upload without saying where")
        }
        var upload = UploadSession(url: try await Redirect.target(location, from: reply.url, by: session, operation))
        upload.minimumChunk = reply.header("OCI-Chunk-Min-Length").flatMap { Int64($0) } ?? 0
        return upload
    }

    /// Makes the repository where that is wished, and waits until it can be seen (ECR-23).
    private func startInNewRepository(after error: RegistryError) async throws(RegistryError) -> UploadSession? {
        guard let create = session.options.createRepository else { throw error }
        let (name, path) = (host.name, session.path)
        do {
            let isMade = try await client.uploads.creations.value(for: session.place) { try await create(name, path) }
            guard isMade else { throw error }
        } catch let failure as RegistryError {
            throw failure
        } catch let failure as BuildError {
            var converted = error
            converted.code = failure.code == .denied ? .denied : .refused
            converted.reason = failure.diagnostics.first?.message ?? "\(failure)"
            converted.hints = failure.diagnostics.first?.hints ?? []
            throw converted
        } catch {
            throw session.error(.cancelled, operation, "cancelled")
        }
        client.events.emit(.note("created the repository \(session.place)"))
        var waited = Duration.zero
        while true {
            do {
                return try await post()
            } catch let error where error.code == .repositoryUnknown && waited < session.options.creationGrace {
                try await session.sleep(.seconds(2), operation)
                waited += .seconds(2)
            }
        }
    }

    /// ECR closes the connection instead of saying that there is no such repository (quirk 12).
    private func lookingForRepository(after error: RegistryError) async -> RegistryError {
        do {
            _ = try await session.send(Call(.get, .repository("tags/list?n=1"), .read, operation)).drain()
        } catch let probe where probe.code == .repositoryUnknown {
            return probe
        } catch {}
        return error
    }

    /// Tells the registry to forget a session (PUSH-19).
    private func cancel(_ upload: UploadSession?) async {
        guard let upload else { return }
        client.openUploads.close(upload.id)
        await session.cancelUpload(at: upload.url, within: .seconds(5))
    }

    /// How many bytes a session has (PUSH-18).
    func offset(of upload: inout UploadSession) async throws(RegistryError) -> Int64? {
        let reply = try await session.send(Call(.get, .absolute(upload.url), .write, operation))
        await reply.drain()
        try await move(&upload, reply)
        return reply.header("Range").flatMap(UploadSession.offset(fromRange:))
    }

    private func move(_ upload: inout UploadSession, _ reply: Reply) async throws(RegistryError) {
        guard let location = reply.header("Location") else { return }
        upload.url = try await Redirect.target(location, from: reply.url, by: session, operation)
        client.openUploads.note(upload, session)
    }
}

// MARK: - Methods

extension BlobUpload {
    private func send(_ upload: inout UploadSession, by method: UploadMethod) async throws(RegistryError) {
        let whole = 0..<descriptor.size
        switch method {
        case .whole: try await close(upload, whole, isPart: false)
        case .patch:
            let reply = try await patch(&upload, whole, isPart: false)
            // After 201 the session may be closed already and refuse the PUT (ECR-31).
            if reply.status == 201, try await repository.hasBlob(descriptor) { return }
            try await close(upload, descriptor.size..<descriptor.size, isPart: false)
        case .chunks: try await sendChunks(&upload, from: 0)
        }
    }

    /// Sends the rest in parts, the last one with the closing PUT (PUSH-23, PUSH-24).
    private func sendChunks(_ upload: inout UploadSession, from start: Int64) async throws(RegistryError) {
        let part = min(max(upload.minimumChunk, host.quirks.chunkSize), 100 << 20)
        var offset = start
        var corrections = 0
        while descriptor.size - offset > part {
            let range = offset..<(offset + part)
            do {
                let reply = try await patch(&upload, range, isPart: true)
                offset = try await confirmed(reply, range, &upload)
            } catch let error where error.status == 416 && corrections == 0 {
                offset = try await self.offset(of: &upload) ?? 0
            }
            guard offset != range.upperBound else { continue }
            corrections += 1
            guard corrections < 4 else {
                throw session.error(.uploadUnknown, operation, "the registry loses parts of the upload")
            }
        }
        try await close(upload, offset..<descriptor.size, isPart: true)
    }

    /// The offset after a part, which is the registry's word where that is to be trusted.
    private func confirmed(
        _ reply: Reply,
        _ range: Range<Int64>,
        _ upload: inout UploadSession
    ) async throws(RegistryError) -> Int64 {
        guard let text = reply.header("Range"), var offset = UploadSession.offset(fromRange: text),
            offset != range.upperBound, !host.quirks.trustsOwnOffset
        else { return range.upperBound }
        if offset < range.upperBound { offset = try await self.offset(of: &upload) ?? offset }
        guard offset <= range.upperBound else {
            throw session.error(.uploadUnknown, operation, "the registry claims to have bytes that were not sent")
        }
        return offset
    }

    private func patch(
        _ upload: inout UploadSession,
        _ range: Range<Int64>,
        isPart: Bool
    ) async throws(RegistryError) -> Reply {
        let reply = try await session.send(transfer(.patch, upload.url, range, isPart: isPart))
        await reply.drain()
        try await move(&upload, reply)
        return reply
    }

    private func close(_ upload: UploadSession, _ range: Range<Int64>, isPart: Bool) async throws(RegistryError) {
        let url = UploadSession.closing(upload.url, descriptor.digest)
        let reply = try await session.send(transfer(.put, url, range, isPart: isPart))
        await reply.drain()
        if let claimed = reply.contentDigest, claimed.algorithm == descriptor.digest.algorithm,
            claimed != descriptor.digest
        {
            throw session.error(.digestMismatch, operation, "the registry stored it as \(claimed)")
        }
        guard reply.status != 201 else { return }
        guard try await repository.hasBlob(descriptor) else {
            throw session.error(
                .uploadUnknown,
                operation,
                "the registry answered \(reply.status) to the upload but does not have the blob"
            )
        }
    }

    private func transfer(_ method: HTTPMethod, _ url: String, _ range: Range<Int64>, isPart: Bool) -> Call {
        var call = Call(method, .absolute(url), .write, operation)
        call.headers.append(Endpoint.Header(name: "Content-Type", value: "application/octet-stream"))
        if isPart, !range.isEmpty {
            let text = "\(range.lowerBound)-\(range.upperBound - 1)"
            call.headers.append(Endpoint.Header(name: "Content-Range", value: text))
        }
        call.body = { [body] in try await body.body(range) }
        call.bodySize = range.upperBound - range.lowerBound
        call.weight = .transfer
        call.isRepeatable = false
        call.progress = progress
        return call
    }
}
