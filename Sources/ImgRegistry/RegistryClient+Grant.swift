package import ImgCredentials
import ImgHTTP
package import ImgOCI

/// What a token was asked for and what it grants.
package struct TokenGrant: Sendable, Hashable {
    package var asked: Scope
    /// Actions on the repository that was asked for; nil when the token doesn't tell.
    package var granted: [String]?
}

extension RegistryClient {
    /// The rights in a token for a repository.
    /// - Returns: nil when the registry doesn't work with tokens, or has not asked for one yet.
    package func grant(
        _ reference: ImageReference,
        for purpose: CredentialPurpose
    ) async throws(RegistryError) -> TokenGrant? {
        let session = repository(reference, for: purpose).session
        let scopes = try await session.scopes(of: Call(.get, .base(""), .read, "sign in"))
        guard let endpoint = try await session.configuration().endpoints.last, let asked = scopes.scopes.first,
            case .bearer = authenticator.scheme(of: endpoint.authority),
            let authorization = try await authenticator.authorization(for: session, at: endpoint, scopes: scopes)
        else { return nil }
        guard case .token = authorization.kind else { return nil }
        let token = Secret(String(authorization.header.exposed.dropFirst("Bearer ".count)))
        let granted = TokenClaims.access(of: token)?.filter { $0.isSameResource(as: asked) }.flatMap(\.actions)
        return TokenGrant(asked: asked, granted: granted?.map { ServerText.clean($0, limit: 40) })
    }
}
