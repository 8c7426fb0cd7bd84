import ImgHTTP
import ImgOCI
import ImgReport
import ImgTasks

/// The upload of one blob: sessions, methods, and what to do when they fail (11.3, 11.4).
struct BlobUpload: Sendable {
    let descriptor: Descriptor
    private let requests: UploadRequests

    /// Bytes that make a session worth resuming, and a reset a sign of a wrong method.
    private static let worthwhile: Int64 = 1 << 20

    init(_ descriptor: Descriptor, _ body: UploadBody, to repository: Repository, _ sent: ByteCounter) {
        self.descriptor = descriptor
        requests = UploadRequests(
            repository: repository,
            body: body,
            operation: "push blob \(descriptor.digest)",
            sent: sent
        )
    }

    private var repository: Repository { requests.repository }
    private var session: Session { repository.session }
    private var host: RegistryHost { session.host }
    private var operation: String { requests.operation }

    /// - Parameter opened: A session that is open already, after a refused mount or with the first bytes of the blob.
    func run(continuing opened: OpenUpload?) async throws(RegistryError) {
        if let opened, opened.sent > 0, try await finish(opened) { return }
        var budget = RetryBudget(options: session.options)
        var methods = host.uploadMethods[...]
        var upload = opened.flatMap { $0.sent == 0 ? $0.session : nil }
        var resets = 0
        while let method = methods.first {
            // Opening has attempts of its own: when they are used up, that is final.
            if upload == nil { upload = try await requests.start() }
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
                    await requests.cancel(open)
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
    ) async -> OpenUpload? {
        var upload = broken
        guard isBroken || error.status == 416, host.quirks.methods.contains(.chunks),
            let offset = try? await requests.offset(of: &upload), offset > Self.worthwhile, offset < descriptor.size
        else { return nil }
        return OpenUpload(session: upload, sent: offset)
    }

    /// Sends what a session lacks; false when that can't be done and the blob must be sent anew.
    private func finish(_ opened: OpenUpload) async throws(RegistryError) -> Bool {
        var upload = opened.session
        client.events.emit(.debug("\(operation): continuing at byte \(opened.sent)"))
        do {
            try await sendChunks(&upload, from: opened.sent)
            client.openUploads.close(upload.id)
            return true
        } catch {
            // A wrong digest shows that the parts were stored wrongly, which the whole blob in one piece puts right.
            guard Self.isWorthTrying(after: error) || error.code == .digestMismatch else { throw error }
            client.events.emit(.debug("\(operation): could not be continued (\(error.reason)), starting over"))
            await requests.cancel(upload)
            return false
        }
    }
}

// MARK: - Methods

extension BlobUpload {
    private func send(_ upload: inout UploadSession, by method: UploadMethod) async throws(RegistryError) {
        let whole = 0..<descriptor.size
        switch method {
        case .whole: try await close(upload, whole, isPart: false)
        case .patch:
            let reply = try await requests.patch(&upload, whole, isPart: false)
            // After 201 the session may be closed already and refuse the PUT (ECR-31).
            if reply.status == 201, try await repository.hasBlob(descriptor) { return }
            try await close(upload, descriptor.size..<descriptor.size, isPart: false)
        case .chunks: try await sendChunks(&upload, from: 0)
        }
    }

    /// Sends the rest in parts, the last one with the closing PUT (PUSH-23, PUSH-24).
    private func sendChunks(_ upload: inout UploadSession, from start: Int64) async throws(RegistryError) {
        let part = requests.partSize(of: upload)
        var offset = start
        var corrections = 0
        while descriptor.size - offset > part {
            let range = offset..<(offset + part)
            do {
                offset = try await requests.sendPart(range, of: &upload)
            } catch let error where error.status == 416 && corrections == 0 {
                offset = try await requests.offset(of: &upload) ?? 0
            }
            try requests.check(offset, within: range)
            guard offset != range.upperBound else { continue }
            corrections += 1
            guard corrections < 4 else {
                throw session.error(.uploadUnknown, operation, "the registry loses parts of the upload")
            }
        }
        try await close(upload, offset..<descriptor.size, isPart: true)
    }

    private func close(_ upload: UploadSession, _ range: Range<Int64>, isPart: Bool) async throws(RegistryError) {
        let url = UploadSession.closing(upload.url, descriptor.digest)
        let reply = try await session.send(requests.transfer(.put, url, range, isPart: isPart))
        await reply.drain()
        if let claimed = reply.contentDigest, claimed.algorithm == descriptor.digest.algorithm,
            claimed != descriptor.digest
        {
            throw session.error(.digestMismatch, operation, "the registry stored it as \(claimed)")
        }
        guard reply.status != 201 else { return }
        guard try await repository.presence(of: descriptor) ?? true else {
            throw session.error(
                .uploadUnknown,
                operation,
                "the registry answered \(reply.status) to the upload but does not have the blob"
            )
        }
    }
}
