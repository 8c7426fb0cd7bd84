import ImgHTTP
package import ImgOCI

extension Repository {
    /// Whether this account may push: an upload is opened and cancelled, nothing is stored.
    package func tryPush() async throws(RegistryError) {
        let operation = "push to the repository"
        let open = Call(.post, .repository("blobs/uploads/"), .write, operation).withEmptyBody
        let reply = try await session.send(open)
        await reply.drain()
        guard let location = reply.header("Location") else { return }
        let url = try await Redirect.target(location, from: reply.url, by: session, operation)
        var cancel = Call(.delete, .absolute(url), .write, "cancel an upload")
        cancel.isRepeatable = false
        cancel.timeLimit = .seconds(5)
        _ = try? await session.send(cancel).drain()
    }

    /// What is left of a limit on pulls, as the registry puts it; nil when it doesn't speak of one (HUB-3, HUB-6).
    package func pullLimit(_ selector: ManifestSelector) async throws(RegistryError) -> String? {
        let call = Call(.head, .repository("manifests/\(selector)"), .read, "look up \(selector.phrase)")
            .accepting(Self.acceptedTypes)
        let reply = try await session.send(call)
        await reply.drain()
        guard let left = reply.header("ratelimit-remaining") else { return nil }
        let limit = reply.header("ratelimit-limit").map { " of \($0)" } ?? ""
        return ServerText.clean("\(left)\(limit)", limit: 100)
    }

    /// Whether the registry lists referrers itself; otherwise the fallback tag serves (REF-FB-1).
    package func hasReferrersAPI(for digest: Digest) async throws(RegistryError) -> Bool {
        _ = try await referrers(of: digest)
        return session.host.hasReferrersAPI == true
    }
}
