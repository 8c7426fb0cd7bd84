import ImgHTTP
import ImgOCI
import ImgReport
import ImgTasks

/// The requests that open an upload session, fill it, ask about it and give it back (11.3, 11.4).
struct UploadRequests: Sendable {
    let repository: Repository
    let body: UploadBody
    /// For messages.
    let operation: String
    /// How far the blob has come.
    var sent: ByteCounter?

    private var client: RegistryClient { repository.client }
    private var session: Session { repository.session }
    private var host: RegistryHost { repository.session.host }

    /// Opens a session; nil when the registry finds that it has the blob (PUSH-14).
    func start() async throws(RegistryError) -> UploadSession? {
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
        let (name, path, place, events) = (host.name, session.path, session.place, client.events)
        do {
            // Several blobs may find out at once.
            let isMade = try await client.uploads.creations.value(for: place) {
                let isMade = try await create(name, path)
                if isMade { events.emit(.note("created the repository \(place)")) }
                return isMade
            }
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
    func cancel(_ upload: UploadSession) async { await repository.giveBack(upload) }

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

    // MARK: Bytes

    /// Bytes of one part of a session that is filled in parts (PUSH-23).
    func partSize(of upload: UploadSession) -> Int64 {
        min(max(upload.minimumChunk, host.quirks.chunkSize), 100 << 20)
    }

    /// Sends one of several parts.
    /// - Returns: The offset that the session is at then.
    func sendPart(_ range: Range<Int64>, of upload: inout UploadSession) async throws(RegistryError) -> Int64 {
        let reply = try await patch(&upload, range, isPart: true)
        return try await confirmed(reply, range, &upload)
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
        try check(offset, within: range)
        return offset
    }

    /// Refuses an offset beyond the part that was sent.
    func check(_ offset: Int64, within range: Range<Int64>) throws(RegistryError) {
        guard offset <= range.upperBound else {
            throw session.error(.uploadUnknown, operation, "the registry claims to have bytes that were not sent")
        }
    }

    func patch(
        _ upload: inout UploadSession,
        _ range: Range<Int64>,
        isPart: Bool
    ) async throws(RegistryError) -> Reply {
        let reply = try await session.send(transfer(.patch, upload.url, range, isPart: isPart))
        await reply.drain()
        try await move(&upload, reply)
        return reply
    }

    func transfer(_ method: HTTPMethod, _ url: String, _ range: Range<Int64>, isPart: Bool) -> Call {
        var call = Call(method, .absolute(url), .write, operation)
        call.headers.append(Endpoint.Header(name: "Content-Type", value: "application/octet-stream"))
        if isPart, !range.isEmpty {
            let text = "\(range.lowerBound)-\(range.upperBound - 1)"
            call.headers.append(Endpoint.Header(name: "Content-Range", value: text))
        }
        call.body = { [body, sent] in
            sent?.reset(to: range.lowerBound)
            return try await body.body(range)
        }
        call.bodySize = range.upperBound - range.lowerBound
        call.weight = .transfer
        call.isRepeatable = false
        call.progress = sent
        return call
    }
}
