import ImgHTTP
package import ImgOCI
import ImgReport
import ImgTasks

/// What became of a manifest that was put.
package enum PutOutcome: Hashable, Sendable {
    /// The tag or digest was there with this very content; nothing was sent.
    case existed
    case stored
}

extension Repository {
    /// Uploads what the registry has lost of a manifest's parts.
    package typealias Repair = @Sendable (Descriptor) async throws(RegistryError) -> Void

    /// Stores a manifest or index under its digest or a tag.
    ///
    /// The registry is asked first: a digest that is there, or a tag that points to it, is left alone. This costs one
    /// request and makes pushes to immutable tags repeatable (ECR-25). A tag is put once; after a failure of which the
    /// outcome is unknown the registry is asked again.
    /// - Parameters:
    ///   - bytes: Exactly what is sent and what the digest is of (PUSH-4).
    ///   - mediaType: Equal to the document's own.
    ///   - selector: Where it goes.
    ///   - repair: Called for parts that the registry says it doesn't have (PUSH-34).
    /// - Throws: ``RegistryError``, in particular `.immutable` and `.refused`.
    package func putManifest(
        _ bytes: [UInt8],
        mediaType: MediaType,
        as selector: ManifestSelector,
        repair: Repair? = nil
    ) async throws(RegistryError) -> PutOutcome {
        let operation = "push \(selector.phrase)"
        guard bytes.count <= Self.manifestPushLimit else {
            throw session.error(
                .tooLarge,
                operation,
                "the manifest has \(bytes.count) bytes; registries accept \(Self.manifestPushLimit)"
            )
        }
        let digest = ContentCheck.digest(of: bytes)
        let put = ManifestPut(repository: self, bytes: bytes, mediaType: mediaType, selector: selector, digest: digest)
        do {
            let outcome = try await manifestTurn.withSlot {
                try await session.host.manifestPuts.withSlot { try await put.run(repair) }
            }
            report(outcome, selector, digest)
            return outcome
        } catch let error as RegistryError {
            throw error
        } catch {
            throw session.error(.cancelled, operation, "cancelled")
        }
    }

    private func report(_ outcome: PutOutcome, _ selector: ManifestSelector, _ digest: Digest) {
        switch (outcome, selector) {
        case (.existed, .tag(let tag)): client.events.emit(.note("\(name):\(tag) already points to \(digest)"))
        case (.stored, .tag(let tag)): client.events.emit(.tagged(reference: "\(name):\(tag)", digest: digest))
        case (.stored, .digest): client.events.emit(.manifest(repository: name, digest: digest, platform: nil))
        case (.existed, .digest): break
        }
    }
}

/// The PUT of one manifest with everything around it.
struct ManifestPut: Sendable {
    let repository: Repository
    let bytes: [UInt8]
    let mediaType: MediaType
    let selector: ManifestSelector
    let digest: Digest

    private var session: Session { repository.session }
    private var operation: String { "push \(selector.phrase)" }

    func run(_ repair: Repository.Repair?) async throws(RegistryError) -> PutOutcome {
        let existing = try await current()
        if existing == digest { return .existed }
        // By digest a PUT has had attempts of its own.
        var budget = RetryBudget(options: session.options, limit: selector.isTag ? nil : 2)
        while true {
            do {
                try await check(putConsistently(repair))
                return .stored
            } catch let error where error.code == .immutable {
                // A request that was sent twice on the way is refused the second time.
                if try await current() == digest { return .stored }
                throw explained(error, existing)
            } catch let error
                where error.isTransient && !error.isBeforeSending && ![429, 503].contains(error.status)
            {
                guard let delay = budget.next(after: error) else { throw budget.final(error, identity: nil) }
                try await session.wait(delay, after: error, attempt: budget.attempt)
                // The outcome of a tag's PUT is unknown: look, never put blindly again (RETRY-3).
                if try await current() == digest { return .stored }
            }
        }
    }

    /// The digest that the tag or digest has at the registry; nil when it has none or doesn't tell (ECR-26).
    private func current() async throws(RegistryError) -> Digest? {
        var call = Call(.head, .repository("manifests/\(selector)"), .read, "look up \(selector.phrase)")
        switch selector {
        case .tag: call = call.accepting(Repository.acceptedTypes)
        case .digest: call = call.accepting("\(mediaType.rawValue), */*")
        }
        do {
            let reply = try await session.send(call)
            await reply.drain()
            if case .digest(let known) = selector { return known }
            return reply.contentDigest
        } catch {
            switch error.code {
            case .cancelled, .network, .tls, .configuration, .blocked, .unauthorized: throw error
            default: return nil
            }
        }
    }

    /// Puts, and puts again while the registry doesn't see all parts yet (PUSH-34).
    private func putConsistently(_ repair: Repository.Repair?) async throws(RegistryError) -> Reply {
        for delay in session.options.consistencyDelays {
            do {
                return try await put()
            } catch let error where Self.misses(error) {
                let line = "\(repository.name) does not see all parts of \(selector.phrase) yet, retrying in \(delay)"
                session.client.events.emit(.debug(line))
                try await session.sleep(delay, operation)
            }
        }
        do {
            return try await put()
        } catch let error where Self.misses(error) {
            guard let repair else { throw error }
            try await restoreParts(repair, error)
            return try await put()
        }
    }

    private static func misses(_ error: RegistryError) -> Bool {
        error.says("MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN") && error.code != .immutable
    }

    private func restoreParts(_ repair: Repository.Repair, _ error: RegistryError) async throws(RegistryError) {
        guard let document = try? ManifestDocument(parsing: bytes, mediaType: mediaType) else { throw error }
        let object = document.object
        let listed = (object["layers"]?.arrayValue ?? []) + [object["config"]].compactMap(\.self)
        for json in listed {
            guard let part = try? Descriptor(json: json, at: "part"), !part.mediaType.isForeignLayer,
                try await !repository.hasBlob(part)
            else { continue }
            session.client.events.emit(.note("\(repository.name) has lost blob \(part.digest); sending it again"))
            try await repair(part)
        }
    }

    private func put() async throws(RegistryError) -> Reply {
        try await session.sleep(session.host.manifestDelay(), operation)
        var call = Call(.put, .repository("manifests/\(selector)"), .write, operation)
            .with(body: bytes, type: mediaType.rawValue)
        if case .tag = selector { call.isRepeatable = false }
        var budget = RetryBudget(options: session.options)
        while true {
            do {
                let reply = try await session.send(call)
                await reply.drain()
                return reply
            } catch {
                // A refusal to serve at all leaves the tag untouched and may be repeated.
                guard error.isBeforeSending || error.status == 429 || error.status == 503,
                    let delay = call.isRepeatable ? nil : budget.next(after: error)
                else { throw error }
                try await session.wait(delay, after: error, attempt: budget.attempt)
            }
        }
    }

    private func check(_ reply: Reply) async throws(RegistryError) {
        if let claimed = reply.contentDigest, claimed.algorithm == digest.algorithm, claimed != digest {
            throw session.error(
                .digestMismatch,
                operation,
                "the registry stored another manifest: expected \(digest), got \(claimed)"
            )
        }
        guard reply.header("OCI-Subject") == nil, session.options.updatesReferrersTag,
            let document = try? ManifestDocument(parsing: bytes, mediaType: mediaType),
            let json = document.object["subject"], json != .null,
            let subject = try? Descriptor(json: json, at: "subject")
        else { return }
        let artifact = Descriptor(
            mediaType: mediaType,
            digest: digest,
            size: Int64(bytes.count),
            annotations: [String: String](annotationsOf: document.object),
            artifactType: document.object["artifactType"]?.stringValue
                ?? document.object["config"]?["mediaType"]?.stringValue
        )
        try await repository.recordReferrer(artifact, of: subject.digest)
    }

    private func explained(_ error: RegistryError, _ existing: Digest?) -> RegistryError {
        var copy = error
        copy.reason =
            existing.map { "the tag exists with digest \($0) and is immutable; the new digest is \(digest)" }
            ?? copy.reason
        return copy
    }
}

extension [String: String] {
    /// The annotations of a manifest as it was received.
    init(annotationsOf object: JSONObject) {
        self.init()
        for member in object["annotations"]?.objectValue?.members ?? [] { self[member.key] = member.value.stringValue }
    }
}
