import ImgHTTP
package import ImgOCI
import ImgReport

extension Repository {
    /// Bytes of a manifest that are read (PULL-12).
    static let manifestLimit = 8 << 20
    /// Bytes of a manifest that registries promise to take (PUSH-5).
    package static let manifestPushLimit = 4 << 20

    /// The types that are asked for, the same for GET and HEAD (PULL-1, HUB-4).
    static let acceptedTypes = [MediaType.ociIndex, .dockerManifestList, .ociManifest, .dockerManifest]
        .map(\.rawValue).joined(separator: ", ")

    /// Fetches a manifest or index by tag or digest.
    ///
    /// - Throws: ``RegistryError`` with `.manifestUnknown` or `.notFound` when it isn't there, `.digestMismatch` when the
    ///   registry sends something else, `.protocol` for documents that are no manifest (PULL-5…7).
    package func resolve(_ selector: ManifestSelector) async throws(RegistryError) -> FetchedManifest {
        try await get(selector, accept: Self.acceptedTypes, expecting: nil)
    }

    /// Fetches a manifest that a descriptor names; its size and digest are verified.
    package func manifest(_ descriptor: Descriptor) async throws(RegistryError) -> FetchedManifest {
        if let inline = inlineContent(of: descriptor) {
            return FetchedManifest(descriptor: descriptor, bytes: inline)
        }
        guard descriptor.size <= Int64(Self.manifestLimit) else {
            throw session.error(
                .tooLarge,
                "read manifest \(descriptor.digest)",
                "it has \(descriptor.size) bytes, more than the \(Self.manifestLimit) allowed"
            )
        }
        let accept = "\(descriptor.mediaType.rawValue), */*"
        return try await get(.digest(descriptor.digest), accept: accept, expecting: descriptor)
    }

    /// What a tag or digest points to, without fetching it; nil when it isn't there.
    ///
    /// A HEAD is not counted by pull limits (HUB-3). Where the answer is incomplete the manifest is fetched (PULL-3).
    package func headManifest(_ selector: ManifestSelector) async throws(RegistryError) -> Descriptor? {
        let call = Call(.head, .repository("manifests/\(selector)"), .read, "look up \(selector.phrase)")
            .accepting(Self.acceptedTypes)
        do {
            let reply = try await session.read(call, needing: .resolve)
            await reply.drain()
            let digest: Digest?
            if case .digest(let known) = selector { digest = known } else { digest = reply.contentDigest }
            if let digest, let size = reply.contentLength, let type = reply.contentType {
                return Descriptor(mediaType: Self.bareType(type), digest: digest, size: size)
            }
        } catch {
            switch error.status {
            case 404: return nil
            // The reply to a HEAD carries no reason: ask again in a way that gives one (AUTH-31).
            case 401, 403, 405, 400, 501: break
            default: throw error
            }
        }
        do {
            return try await resolve(selector).descriptor
        } catch let error where error.isMissing {
            return nil
        }
    }

    private func get(
        _ selector: ManifestSelector,
        accept: String,
        expecting descriptor: Descriptor?
    ) async throws(RegistryError) -> FetchedManifest {
        let operation = "read \(selector.phrase)"
        let call = Call(.get, .repository("manifests/\(selector)"), .read, operation).accepting(accept)
        let isByDigest = if case .digest = selector { true } else { false }
        let limit = descriptor.map { Int(clamping: $0.size) } ?? Self.manifestLimit
        return try await session.undamaged { () throws(RegistryError) in
            let reply: Reply
            do throws(RegistryError) {
                reply = try await session.read(call, needing: isByDigest ? .pull : .resolve)
            } catch {
                throw Self.explained(error)
            }
            do throws(RegistryError) {
                let bytes = try await body(of: reply, limit: limit, operation)
                return try verified(bytes, reply, selector, descriptor, operation)
            } catch {
                throw session.noting(error, from: reply.endpoint)
            }
        }
    }

    /// Distribution answers 404 when it can't convert a manifest for the given types (PULL-29).
    private static func explained(_ error: RegistryError) -> RegistryError {
        guard error.code == .manifestUnknown, error.mentions("Accept header") else { return error }
        var copy = error
        copy.code = .protocol
        copy.reason = "the registry has the manifest but cannot convert it to a type it was asked for"
        return copy
    }

    private func verified(
        _ bytes: [UInt8],
        _ reply: Reply,
        _ selector: ManifestSelector,
        _ descriptor: Descriptor?,
        _ operation: String
    ) throws(RegistryError) -> FetchedManifest {
        if let descriptor, Int64(bytes.count) != descriptor.size {
            throw sizeMismatch(operation, expected: descriptor.size, got: Int64(bytes.count))
        }
        let wanted: Digest? = if case .digest(let digest) = selector { digest } else { nil }
        if let wanted, !ContentCheck.matches(bytes, wanted) {
            throw digestMismatch(operation, bytes, wanted, from: reply.url)
        }
        let digest = wanted ?? ContentCheck.digest(of: bytes)
        if let claimed = reply.contentDigest, claimed != digest, claimed.algorithm == digest.algorithm {
            client.events.emit(.debug("\(name): Docker-Content-Digest \(claimed) is wrong, the content is \(digest)"))
        }
        let declared = descriptor?.mediaType ?? reply.contentType.map { MediaType(rawValue: $0) }
        do {
            let type = try ManifestDocument(parsing: bytes, mediaType: declared).mediaType
            // What is wrong further inside is better said here, where it is known whose document it is.
            if type.isIndex {
                _ = try ImageIndex(parsing: bytes, mediaType: declared)
            } else if type.isManifest {
                _ = try ImageManifest(parsing: bytes, mediaType: declared)
            }
            let found = Descriptor(mediaType: type, digest: digest, size: Int64(bytes.count))
            return FetchedManifest(descriptor: found, bytes: bytes)
        } catch {
            throw session.webPage(bytes, reply, operation) ?? session.error(.protocol, operation, error.description)
        }
    }

    static func bareType(_ text: String) -> MediaType {
        MediaType(rawValue: String(text.prefix { $0 != ";" && $0 != " " }).lowercased())
    }
}

// MARK: - Bodies

extension Repository {
    /// The content that came along in a descriptor, if it is what the digest says (PULL-15).
    func inlineContent(of descriptor: Descriptor) -> [UInt8]? {
        guard let data = descriptor.data, Int64(data.count) == descriptor.size,
            ContentCheck.matches(data, descriptor.digest)
        else { return nil }
        return data
    }

    func body(of reply: Reply, limit: Int, _ operation: String) async throws(RegistryError) -> [UInt8] {
        if let length = reply.contentLength, length > Int64(limit) {
            throw session.error(
                .sizeMismatch,
                operation,
                "the reply has \(length) bytes, more than the \(limit) expected"
            )
        }
        do {
            return try await reply.document(limit: limit)
        } catch {
            if error.code == .tooLarge {
                throw session.error(.sizeMismatch, operation, "the reply has more than the \(limit) bytes expected")
            }
            let code: RegistryError.Code = error.code == .cancelled ? .cancelled : .network
            throw session.error(code, operation, "the reply broke off: \(error.message)")
        }
    }

    func sizeMismatch(_ operation: String, expected: Int64, got: Int64) -> RegistryError {
        session.error(.sizeMismatch, operation, "expected \(expected) bytes, got \(got)")
    }

    private func digestMismatch(
        _ operation: String,
        _ bytes: [UInt8],
        _ expected: Digest,
        from url: String
    ) -> RegistryError {
        let got = ContentCheck.digest(of: bytes)
        let reason = "the content is not what was asked for: expected \(expected), got \(got)"
        var error = session.error(.digestMismatch, operation, reason)
        error.notes = ["sent by \(URLParts(url)?.authority ?? host)"]
        error.hints = ["a mirror, proxy or cache on the way is corrupt"]
        return error
    }
}
