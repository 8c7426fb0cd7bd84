import ImgCredentials
import ImgHTTP
import ImgOCI
import ImgReport

/// `user:password` for a header (AUTH-27).
enum BasicCredentials {
    static func header(_ user: String, _ password: Secret) -> Secret {
        Secret("Basic \(Base64.encode(Array("\(user):\(password.exposed)".utf8)))")
    }
}

/// Exchanges credentials for a Bearer token at a realm (4.3).
///
/// - SeeAlso: <https://distribution.github.io/distribution/spec/auth/token/>
struct TokenService: Sendable {
    let session: Session
    let endpoint: Endpoint
    let challenge: BearerChallenge
    let resolved: ResolvedCredential
    /// Asks for a refresh token, too (LOG-2).
    var isOffline = false

    private static let bodyLimit = 1 << 20
    private static let client = "imgbuild"

    /// Asks in the form that the credentials call for, and once in another when the realm doesn't know that (AUTH-19).
    func fetch(_ scopes: ScopeSet) async throws(RegistryError) -> BearerToken {
        try judgeRealm()
        switch resolved.credential {
        case .anonymous, .registryToken: return try await get(scopes, as: nil)
        case .basic(let user, let password):
            do {
                return try await get(scopes, as: (user, password))
            } catch let error where [401, 404, 405].contains(error.status) {
                let form = [("grant_type", "password"), ("username", user), ("password", password.exposed)]
                do {
                    return try await post(scopes, form)
                } catch let error where error.status != nil {}
                throw error
            }
        case .identityToken(let user, let token):
            do {
                return try await post(scopes, [("grant_type", "refresh_token"), ("refresh_token", token.exposed)])
            } catch let error where [400, 401, 404, 405].contains(error.status) {
                let name = session.host.quirks.identityTokenUser ?? user ?? "<token>"
                return try await get(scopes, as: (name, token))
            }
        }
    }

    private func judgeRealm() throws(RegistryError) {
        let registry = Authority(endpoint.authority)
        let allowsPlainHTTP = endpoint.trust.allowsPlainHTTP
        let rule = RealmPolicy.objection(
            to: challenge.realm,
            registry: registry,
            allowsPlainHTTP: allowsPlainHTTP,
            allowedHosts: session.client.catalog.settings.redirectHosts
        )
        if let rule {
            throw session.error(
                .blocked,
                "sign in",
                "the token server \"\(ServerText.clean(URLMask.mask(challenge.realm), limit: 200))\" is not asked: \(rule)"
            )
        }
        guard resolved.credential != .anonymous, let parts = URLParts(challenge.realm),
            !RealmPolicy.isRelated(parts.host, to: registry.host)
        else { return }
        let text = "credentials for \(session.host.name) go to the token server at \(parts.host)"
        guard !session.client.catalog.settings.isRealmStrict else {
            var error = session.error(.blocked, "sign in", "\(text), which is not part of the registry's domain")
            error.hints = ["if that is intended, leave out --strict-realm"]
            error.hasOwnRemedies = true
            throw error
        }
        if session.client.notices.isFirst(text) { session.client.events.emit(.debug(text)) }
    }
}

// MARK: - Requests

extension TokenService {
    private func get(
        _ scopes: ScopeSet,
        as account: (user: String, password: Secret)?
    ) async throws(RegistryError) -> BearerToken {
        var items: [(String, String)] = []
        if let service = challenge.service { items.append(("service", service)) }
        items += scopes.texts.map { ("scope", $0) }
        items.append(("client_id", Self.client))
        if let account { items.append(("account", account.user)) }
        if isOffline { items.append(("offline_token", "true")) }
        let separator = challenge.realm.contains("?") ? "&" : "?"
        var call = Call(.get, .absolute(challenge.realm + separator + Self.form(items)), .read, "sign in")
        call.weight = .held
        return try await token(call, account.map { BasicCredentials.header($0.user, $0.password) })
    }

    private func post(_ scopes: ScopeSet, _ grant: [(String, String)]) async throws(RegistryError) -> BearerToken {
        var items = grant
        if let service = challenge.service { items.append(("service", service)) }
        if !scopes.scopes.isEmpty { items.append(("scope", scopes.texts.joined(separator: " "))) }
        items.append(("client_id", Self.client))
        if isOffline { items.append(("access_type", "offline")) }
        var call = Call(.post, .absolute(challenge.realm), .read, "sign in")
            .with(body: Array(Self.form(items).utf8), type: "application/x-www-form-urlencoded")
        call.weight = .held
        return try await token(call, nil)
    }

    private static func form(_ items: [(String, String)]) -> String {
        items.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
    }

    private func token(_ call: Call, _ authorization: Secret?) async throws(RegistryError) -> BearerToken {
        var budget = RetryBudget(options: session.options)
        while true {
            let start = ContinuousClock.now
            var failure: RegistryError
            do {
                let reply = try await exchange(call, authorization)
                if (200...299).contains(reply.status) { return try await read(reply, start) }
                failure = await refused(reply, call)
            } catch {
                failure = error
            }
            guard let delay = budget.next(after: failure) else { throw budget.final(failure, identity: resolved) }
            try await session.wait(delay, after: failure, attempt: budget.attempt)
        }
    }

    /// Redirects are followed with GET only, and without credentials on another origin.
    private func exchange(_ call: Call, _ authorization: Secret?) async throws(RegistryError) -> Reply {
        guard case .absolute(var url) = call.target else { throw session.error(.protocol, "sign in", "no realm") }
        let origin = URLParts(url)?.origin
        for _ in 0..<5 {
            var headers = HTTPHeaders()
            for header in call.headers { headers.add(header.name, header.value) }
            let isOwn = URLParts(url)?.origin == origin
            if let authorization, isOwn {
                session.client.authenticator.sent.note(authorization)
                headers.add("Authorization", authorization.exposed)
            }
            let response = try await session.transmit(call, to: url, headers: headers)
            guard [301, 302, 303, 307, 308].contains(response.status), call.method == .get,
                let location = response.headers["Location"]
            else { return Reply(response: response, url: url, isForeign: false, endpoint: endpoint) }
            url = try await Redirect.target(location, from: url, by: session, "sign in")
        }
        throw session.error(.protocol, "sign in", "the token server redirects without end")
    }

    private func refused(_ reply: Reply, _ call: Call) async -> RegistryError {
        var error = await session.refusal(reply, call, endpoint)
        let realm = URLParts(challenge.realm)?.host ?? "the token server"
        guard [401, 403].contains(reply.status) else {
            error.reason = "\(realm): \(error.reason)"
            return error
        }
        error.code = .unauthorized
        if resolved.credential == .anonymous {
            error.reason = "\(realm) gives no token without credentials"
        } else {
            error.reason = "\(realm) rejected the credentials of \(resolved.identity) from \(resolved.source)"
        }
        return error
    }

    private func read(_ reply: Reply, _ start: ContinuousClock.Instant) async throws(RegistryError) -> BearerToken {
        let body: [UInt8]
        do {
            body = try await reply.document(limit: Self.bodyLimit)
        } catch {
            throw session.error(.network, "sign in", "the token server's reply broke off: \(error.message)")
        }
        guard let json = try? JSON.parse(body), json.objectValue != nil else {
            throw session.error(.protocol, "sign in", "the token server did not return JSON")
        }
        let texts = [json["token"]?.stringValue, json["access_token"]?.stringValue]
        guard let text = texts.compactMap(\.self).first(where: { !$0.isEmpty }) else {
            throw session.error(.protocol, "sign in", "the token server returned no token")
        }
        let secret = Secret(text)
        guard !secret.hasControlCharacters else {
            throw session.error(.protocol, "sign in", "the token server returned a token with control characters")
        }
        var token = BearerToken(secret, life: json["expires_in"]?.integerValue, obtainedAt: start)
        token.refreshToken = json["refresh_token"]?.stringValue.map(Secret.init)
        return token
    }
}
