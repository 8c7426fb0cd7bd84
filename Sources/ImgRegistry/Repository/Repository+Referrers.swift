import ImgHTTP
package import ImgOCI
import ImgReport

extension Repository {
    private static let maxUpdates = 5

    /// What refers to a manifest: signatures, SBOMs, attestations.
    ///
    /// Asks the referrers API and, where there is none, the fallback tag (13.3).
    package func referrers(of digest: Digest, artifactType: String? = nil) async throws(RegistryError) -> [Descriptor] {
        var found = try await listed(digest, artifactType)
        if found == nil { found = try await fallbackIndex(of: digest)?.index.manifests ?? [] }
        guard let artifactType else { return found ?? [] }
        return (found ?? []).filter { $0.artifactType == artifactType }
    }

    /// nil when the registry has no referrers API (REF-FB-1).
    private func listed(_ digest: Digest, _ artifactType: String?) async throws(RegistryError) -> [Descriptor]? {
        guard session.host.hasReferrersAPI != false else { return nil }
        let operation = "list referrers of \(digest)"
        let query = artifactType.map { "?artifactType=\(PercentEncoding.encode($0))" } ?? ""
        var entries: [Descriptor] = []
        var isIndex = true
        do {
            let accept = MediaType.ociIndex.rawValue
            try await pages("referrers/\(digest)\(query)", operation, accept: accept, limit: Self.manifestLimit) {
                json,
                reply in
                guard reply.contentType.map(Self.bareType) ?? .ociIndex == .ociIndex, json["manifests"] != nil else {
                    isIndex = false
                    return false
                }
                let page = json["manifests"]?.arrayValue ?? []
                entries += page.compactMap { try? Descriptor(json: $0, at: "referrer") }
                return !page.isEmpty
            }
        } catch let error where [400, 404, 405, 406, 501].contains(error.status) || error.code == .protocol {
            session.host.hasReferrersAPI = false
            return nil
        }
        session.host.hasReferrersAPI = isIndex
        return isIndex ? entries : nil
    }

    /// `sha256-44136f…` (REF-FB-2).
    package static func fallbackTag(of digest: Digest) -> String {
        "\(digest.algorithm.rawValue.prefix(32))-\(digest.hex.prefix(64))"
    }

    private struct Fallback {
        var index: ImageIndex
        var entityTag: String?
    }

    private func fallbackIndex(of digest: Digest) async throws(RegistryError) -> Fallback? {
        let operation = "list referrers of \(digest)"
        let call = Call(.get, .repository("manifests/\(Self.fallbackTag(of: digest))"), .read, operation)
            .accepting(MediaType.ociIndex.rawValue)
        let reply: Reply
        do {
            reply = try await session.send(call)
        } catch let error where error.isMissing {
            return nil
        }
        let bytes = try await body(of: reply, limit: Self.manifestLimit, operation)
        do {
            let index = try ImageIndex(parsing: bytes, mediaType: reply.contentType.map(Self.bareType))
            return Fallback(index: index, entityTag: reply.header("ETag"))
        } catch {
            throw session.error(.protocol, operation, "the fallback tag holds no index: \(error)")
        }
    }

    /// Notes a referrer under the fallback tag of its subject where the registry has no API (REF-FB-3).
    ///
    /// Others may do the same at the same time: what was written is read back, and repeated when it got lost.
    func recordReferrer(_ referrer: Descriptor, of subject: Digest) async throws(RegistryError) {
        if session.host.hasReferrersAPI == nil { _ = try await listed(subject, nil) }
        guard session.host.hasReferrersAPI == false else { return }
        for attempt in 1...Self.maxUpdates {
            let fallback = try await fallbackIndex(of: subject)
            var index = fallback?.index ?? ImageIndex(manifests: [])
            guard !index.manifests.contains(where: { $0.digest == referrer.digest }) else { return }
            index.manifests.append(referrer)
            do {
                try await putFallback(index, of: subject, replacing: fallback?.entityTag)
            } catch let error where error.code == .immutable {
                let warning = Diagnostic(
                    .warning,
                    "\(name): the tag \(Self.fallbackTag(of: subject)) is immutable; the referrer \(referrer.digest) is "
                        + "stored but not listed"
                )
                client.events.emit(.warning(warning))
                return
            } catch let error where error.status == 412 {
                try await session.sleep(.milliseconds(100 * Int.random(in: 1...(4 * attempt))), "record a referrer")
            }
        }
        let warning = Diagnostic(
            .warning,
            "\(name): the list of referrers of \(subject) keeps changing; \(referrer.digest) is not in it"
        )
        client.events.emit(.warning(warning))
    }

    private func putFallback(
        _ index: ImageIndex,
        of subject: Digest,
        replacing entityTag: String?
    ) async throws(RegistryError) {
        let tag = Self.fallbackTag(of: subject)
        var call = Call(.put, .repository("manifests/\(tag)"), .write, "push tag \(tag)")
            .with(body: index.encoded(), type: MediaType.ociIndex.rawValue)
        if let entityTag { call.headers.append(Endpoint.Header(name: "If-Match", value: entityTag)) }
        try await session.send(call).drain()
    }
}
