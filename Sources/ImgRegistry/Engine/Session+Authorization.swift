import ImgCredentials
import ImgHTTP
import ImgOCI
import ImgReport

extension Session {
    /// Sends of one request for reasons of authentication (AUTH-32).
    private static let maxSends = 3
    /// Bodies above this size are not sent before the host's way of authentication is known (AUTH-33).
    private static let boldBody: Int64 = 64 << 10

    /// The scopes that a call needs, the own repository first (AUTH-8, AUTH-9).
    func scopes(of call: Call) async throws(RegistryError) -> ScopeSet {
        guard !path.isEmpty else { return ScopeSet() }
        let own = try await wirePath
        let isPush = call.access == .write || purpose == .push
        var set = ScopeSet([Scope(repository: own, isPush ? ["pull", "push"] : ["pull"])])
        for source in call.mountSources where source != own && host.canMount(from: source) {
            set.insert(Scope(repository: source, ["pull"]))
        }
        return set
    }

    /// Sends a request with the authorization it turns out to need (AUTH-32).
    func authorized(_ call: Call, _ endpoint: Endpoint) async throws(RegistryError) -> Reply {
        try await client.authenticator.loadHeaders(for: self)
        var negotiation = Negotiation(scopes: try await scopes(of: call), start: .now)
        let isForeign = isForeign(call, endpoint)
        if call.bodySize > Self.boldBody, !isForeign, !client.authenticator.knows(endpoint.authority) {
            _ = try await demandFromBase(endpoint)
        }
        while true {
            let authorization =
                isForeign
                ? nil
                : try await client.authenticator.authorization(for: self, at: endpoint, scopes: negotiation.scopes)
            let reply = try await follow(call, endpoint, authorization)
            negotiation.sends += 1
            if isForeign, reply.status == 401, let again = try await asGuest(call, endpoint, reply) { return again }
            if !isForeign, authorization == nil, reply.status != 401 {
                client.authenticator.learnNone(endpoint.authority)
            }
            guard !reply.isForeign, reply.status == 401 || reply.status == 403 else { return reply }
            guard negotiation.sends < Self.maxSends,
                let demand = try await demand(of: reply, endpoint),
                try await settle(demand, authorization, &negotiation, endpoint)
            else { return reply }
            await reply.drain()
        }
    }

    /// Sends a request again with a token that anybody gets, to a host that a registry has named for an upload and that
    /// asks for one (PUSH-17).
    /// - Returns: nil when the host doesn't offer tokens.
    private func asGuest(_ call: Call, _ endpoint: Endpoint, _ refusal: Reply) async throws(RegistryError) -> Reply? {
        guard let demand = Self.demand(in: refusal.response, at: refusal.url),
            case .bearer(let challenge) = demand.scheme, let parts = URLParts(refusal.url)
        else { return nil }
        await refusal.drain()
        var host = Endpoint(authority: parts.authority)
        host.trust = try await trust(of: Authority(parts.authority))
        let authorization = try await client.authenticator.guest(
            challenge,
            for: self,
            at: host,
            scopes: ScopeSet(demand.scopes)
        )
        var again = call
        again.headers.append(Endpoint.Header(name: "Authorization", value: authorization.header.exposed))
        // The token is for this host, so it goes no further.
        again.followsRedirects = false
        return try await follow(again, endpoint, nil)
    }

    /// What is remembered between the sends of one request.
    private struct Negotiation {
        var scopes: ScopeSet
        let start: ContinuousClock.Instant
        var sends = 0
        var hasAskedForMore = false
        var hasReadAgain = false
    }

    private func isForeign(_ call: Call, _ endpoint: Endpoint) -> Bool {
        guard case .absolute(let url) = call.target else { return false }
        return URLParts(url)?.origin != origin(of: endpoint)
    }

    private func demand(of reply: Reply, _ endpoint: Endpoint) async throws(RegistryError) -> AuthDemand? {
        let demand = Self.demand(in: reply.response, at: reply.url)
        guard reply.status == 401 else { return demand.flatMap { $0.isInsufficientScope ? $0 : nil } }
        if let demand { return demand }
        // A 401 without a usable challenge: the base of the API has one (AUTH-5).
        return try await demandFromBase(endpoint)
    }

    static func demand(in response: HTTPResponse, at url: String) -> AuthDemand? {
        let challenges = Challenge.parse(response.headers.values("WWW-Authenticate"))
        return AuthDemand.preferred(in: challenges) { realm in
            realm.contains("://") ? realm : URLParts(url)?.resolving(realm)
        }
    }

    /// Asks `/v2/` how to authenticate, once for each host.
    private func demandFromBase(_ endpoint: Endpoint) async throws(RegistryError) -> AuthDemand? {
        guard client.authenticator.mayProbe(endpoint.authority) else { return nil }
        let call = Call(.get, .base(""), .read, "ask \(endpoint.authority) how to sign in")
        let reply = try await follow(call, endpoint, nil)
        await reply.drain()
        guard let demand = Self.demand(in: reply.response, at: reply.url) else {
            client.authenticator.learnNone(endpoint.authority)
            return nil
        }
        client.authenticator.learn(demand.scheme, for: endpoint.authority)
        return demand
    }

    /// Decides whether a refusal is worth another send, and prepares it.
    private func settle(
        _ demand: AuthDemand,
        _ used: Authorization?,
        _ negotiation: inout Negotiation,
        _ endpoint: Endpoint
    ) async throws(RegistryError) -> Bool {
        let authenticator = client.authenticator
        authenticator.learn(demand.scheme, for: endpoint.authority)
        var wanted = negotiation.scopes
        for scope in demand.scopes { wanted.insertChallenged(scope) }
        let wantsMore = wanted != negotiation.scopes
        negotiation.scopes = wanted
        guard let used else { return try await authenticator.hasCredentials(for: self, at: endpoint, demand.scheme) }
        switch used.kind {
        case .basic:
            guard case .basic = demand.scheme else { return true }
            guard !negotiation.hasReadAgain else { return false }
            negotiation.hasReadAgain = true
            return try await authenticator.readAgain(for: self, at: endpoint)
        case .fixed: return false
        case .token(let key):
            authenticator.tokens.drop(key)
            let isFresh = used.obtainedAt >= negotiation.start
            let isLong = ContinuousClock.now - used.obtainedAt > .seconds(60)
            guard isFresh, !isLong else { return true }
            guard wantsMore || demand.isInsufficientScope, !negotiation.hasAskedForMore else { return false }
            negotiation.hasAskedForMore = true
            return true
        }
    }
}
