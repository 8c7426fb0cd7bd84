package import ImgOCI
import ImgReport
import ImgTasks

/// What is known about a blob beyond its descriptor when it is pushed.
package struct UploadHints: Sendable {
    /// Repositories of the same registry that hold it; two are tried at most (PUSH-10).
    package var mountSources: [String]
    /// Whether the repository is known to hold it: nothing is asked or sent then.
    package var isPresent: Bool
    /// What was sent of it already.
    package var early: EarlyUpload?

    package init(
        mountSources: [String] = [],
        isPresent: Bool = false,
        early: EarlyUpload? = nil
    ) {
        self.mountSources = mountSources
        self.isPresent = isPresent
        self.early = early
    }
}

extension Repository {
    /// Brings one blob into the repository: looks for it, mounts it, or uploads it.
    ///
    /// Each blob is handled once for each repository in a run, however many callers ask; the same blob for a second
    /// repository of the host waits for the first and is mounted from there (PUSH-31).
    /// - Throws: ``RegistryError``, in particular `.denied`, `.repositoryUnknown`, `.tooLarge`, or the last of a series of
    ///   transient failures.
    @discardableResult
    package func upload(
        _ descriptor: Descriptor,
        body: UploadBody,
        hints: UploadHints = UploadHints()
    ) async throws(RegistryError) -> PushOutcome {
        let ledger = client.uploads
        let hostKey = session.host.name.lowercased()
        let content = UploadLedger.Content(host: hostKey, digest: descriptor.digest)
        do {
            var hints = hints
            if session.host.quirks.mounts {
                let first = try await first(content) { [hints] in
                    let outcome = try await self.push(descriptor, body, hints)
                    return UploadLedger.First(path: self.path, outcome: outcome)
                }
                if let first {
                    if first.path == path { return first.outcome }
                    hints.mountSources.insert(first.path, at: 0)
                }
            }
            let place = UploadLedger.Place(host: hostKey, path: path, digest: descriptor.digest)
            return try await ledger.outcomes.value(for: place) { [hints] in
                try await self.push(descriptor, body, hints)
            }
        } catch let error as RegistryError {
            throw error
        } catch {
            throw session.error(.cancelled, "push blob \(descriptor.digest)", "cancelled")
        }
    }

    /// The first repository of the host to get a blob; nil when another repository's attempt has failed.
    private func first(
        _ content: UploadLedger.Content,
        push: @Sendable @escaping () async throws -> UploadLedger.First
    ) async throws -> UploadLedger.First? {
        do {
            return try await client.uploads.firsts.value(for: content, make: push)
        } catch let error as RegistryError where error.repository != path && error.code != .cancelled {
            return nil
        }
    }

    /// Uploads a blob again although it was handled before: the registry has lost it (PUSH-34).
    package func uploadAgain(_ descriptor: Descriptor, body: UploadBody) async throws(RegistryError) {
        _ = try await push(descriptor, body, UploadHints())
    }

    private func push(
        _ descriptor: Descriptor,
        _ body: UploadBody,
        _ hints: UploadHints
    ) async throws(RegistryError) -> PushOutcome {
        var mountable: [String] = []
        for source in hints.mountSources where source != path && mountable.count < 2 {
            let name = try await session.wirePath(of: source)
            if session.host.canMount(from: name) { mountable.append(name) }
        }
        var isThere = hints.isPresent
        if !isThere { isThere = try await hasBlob(descriptor, mountSources: mountable) }
        if isThere {
            if let early = hints.early { await giveUp(early) }
            report(descriptor, .exists)
            return .existed
        }
        var opened = hints.early?.upload
        for source in mountable where opened == nil && session.host.canMount(from: source) {
            switch try await mount(descriptor, from: source) {
            case .mounted:
                report(descriptor, .mounted(from: source))
                return .mounted(from: source)
            case .opened(let location): opened = OpenUpload(session: UploadSession(url: location))
            case .refused: break
            }
        }
        report(descriptor, .uploading(sent: opened?.sent ?? 0))
        let (sent, upload) = (ByteCounter(), opened)
        try await sent.watched { [self] bytes in
            report(descriptor, .uploading(sent: min(bytes, descriptor.size)))
        } during: { () async throws(RegistryError) in
            try await BlobUpload(descriptor, body, to: self, sent).run(continuing: upload)
        }
        report(descriptor, .pushed)
        return .uploaded(bytes: descriptor.size)
    }

    func report(_ descriptor: Descriptor, _ state: BlobEvent.State) {
        let event = BlobEvent(digest: descriptor.digest, size: descriptor.size, repository: name, state: state)
        client.events.emit(.blob(event))
    }
}
