package import ImgCredentials
import ImgHTTP
package import ImgOCI
import ImgReport

/// What the base of a registry's API says to somebody without credentials.
package struct RegistryProbe: Sendable {
    /// `https://registry-1.docker.io`.
    package var address: String
    /// Whether the connection is encrypted.
    package var isEncrypted: Bool
    /// Whether the certificate was verified.
    package var isVerified: Bool
    /// How it wants to be authenticated, for people; nil when it asks for nothing here.
    package var challenge: String?
    /// Status of the reply.
    package var status: Int
    /// Seconds that the registry's clock is ahead of this machine's; nil when it doesn't say.
    package var clockSkew: Int64?
    /// Asked before the registry itself when reading.
    package var mirrors: [String]
    /// Where the settings for the host came from.
    package var configuration: String
}

/// Credentials that a registry has accepted.
package struct SignIn: Sendable {
    /// Who signed in; nil when the registry asked for nothing.
    package var identity: ResolvedCredential?
    /// What to keep instead of the password, where the registry gives it (LOG-2).
    package var refreshToken: Secret?
}

extension RegistryClient {
    /// Asks the base of a registry's API what it wants; nothing is presented.
    package func probe(_ reference: ImageReference) async throws(RegistryError) -> RegistryProbe {
        let session = hostSession(reference)
        let configuration = try await session.configuration()
        let endpoint = try await ownEndpoint(session)
        let reply = try await session.follow(Call(.get, .base(""), .read, "reach the registry"), endpoint, nil)
        await reply.drain()
        let mode = session.host.mode(for: endpoint.authority)
        let scheme = mode?.scheme ?? URLParts(reply.url)?.scheme ?? "https"
        return RegistryProbe(
            address: "\(scheme)://\(endpoint.authority)",
            isEncrypted: scheme == "https",
            isVerified: mode?.verifies ?? true,
            challenge: Session.demand(in: reply.response, at: reply.url).map(Self.text),
            status: reply.status,
            clockSkew: reply.header("Date").flatMap(HTTPDate.parse).map { $0 - WallClock.seconds },
            mirrors: configuration.endpoints.filter(\.isMirror).map(\.authority),
            configuration: configuration.source
        )
    }

    /// Presents the credentials for a host at the base of its API, for no repository in particular (LOG-2).
    ///
    /// - Throws: ``RegistryError`` with `.unauthorized` when they are not accepted.
    package func signIn(to reference: ImageReference) async throws(RegistryError) -> SignIn {
        let session = hostSession(reference)
        let endpoint = try await ownEndpoint(session)
        try await session.send(Call(.get, .base(""), .read, "sign in"), to: endpoint).drain()
        guard let identity = authenticator.identity(for: session, at: endpoint) else { return SignIn() }
        var result = SignIn(identity: identity)
        if case .bearer(let challenge)? = authenticator.scheme(of: endpoint.authority) {
            var service = TokenService(session: session, endpoint: endpoint, challenge: challenge, resolved: identity)
            service.isOffline = true
            // Not every token server gives one; the password has been accepted already.
            result.refreshToken = (try? await service.fetch(ScopeSet()))?.refreshToken
        }
        return result
    }

    /// A session of no repository: its tokens have no scope.
    private func hostSession(_ reference: ImageReference) -> Session {
        let host = host(reference.domain, apiHost: reference.apiHost)
        return Session(client: self, host: host, path: "", purpose: .pull)
    }

    private func ownEndpoint(_ session: Session) async throws(RegistryError) -> Endpoint {
        guard let endpoint = try await session.configuration().endpoints.last else {
            throw session.error(.configuration, "reach the registry", "no endpoint is configured")
        }
        return endpoint
    }

    private static func text(_ demand: AuthDemand) -> String {
        switch demand.scheme {
        case .basic: "Basic"
        case .bearer(let challenge):
            "Bearer, tokens from \(ServerText.clean(URLMask.mask(challenge.realm), limit: 200))"
                + (challenge.service.map { " for \(ServerText.clean($0, limit: 100))" } ?? "")
        }
    }
}
