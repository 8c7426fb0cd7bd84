import ImgCredentials
import ImgReport
import ImgTasks
import Synchronization

/// The value of an `Authorization` header and where it came from.
struct Authorization: Sendable {
    enum Kind: Sendable {
        case basic
        case token(TokenKey)
        /// Given by the user as it is (AUTH-26).
        case fixed
    }

    var header: Secret
    var kind: Kind
    var obtainedAt: ContinuousClock.Instant
}

/// Knows how each host wants to be authenticated and with what (section 4).
final class Authenticator: Sendable {
    private enum Knowledge {
        /// `/v2/` was asked and wants nothing.
        case none
        case known(AuthScheme)
    }

    private struct CredentialKey: Hashable, Sendable {
        var host: String
        var path: String
        var purpose: CredentialPurpose
    }

    private struct Held: Sendable {
        var resolved: ResolvedCredential
        var readAt: ContinuousClock.Instant
    }

    /// Credentials are read again after this time: those of workload identities live five minutes (AUTH-25).
    private static let credentialLife = Duration.seconds(290)

    let tokens = TokenCache()
    let sent = SentSecrets()
    private let credentials: CredentialResolver
    private let events: any EventSink
    private let knowledge = Mutex<[String: Knowledge]>([:])
    private let probed = Mutex<Set<String>>([])
    private let held = Mutex<[CredentialKey: Held]>([:])
    private let headers = Mutex<[Endpoint.Header]?>(nil)

    init(credentials: CredentialResolver, events: any EventSink) {
        self.credentials = credentials
        self.events = events
    }

    /// Whether the host's way is known, be it that it wants nothing.
    func knows(_ authority: String) -> Bool { knowledge.withLock { $0[authority] != nil } }

    /// What the host has asked for; nil when that is nothing or not known.
    func scheme(of authority: String) -> AuthScheme? {
        knowledge.withLock { if case .known(let scheme) = $0[authority] { scheme } else { nil } }
    }

    /// True once for each host.
    func mayProbe(_ authority: String) -> Bool { probed.withLock { $0.insert(authority).inserted } }

    func learn(_ scheme: AuthScheme, for authority: String) {
        knowledge.withLock { $0[authority] = .known(scheme) }
    }

    func learnNone(_ authority: String) {
        knowledge.withLock { if $0[authority] == nil { $0[authority] = Knowledge.none } }
    }

    /// Headers from Docker's configuration, once they were loaded (CFG-2).
    var configuredHeaders: [Endpoint.Header] { headers.withLock { $0 ?? [] } }

    /// Loads the headers that Docker's configuration adds to requests.
    func loadHeaders(for session: Session) async throws(RegistryError) {
        guard headers.withLock({ $0 == nil }) else { return }
        do {
            let found = try await credentials.configuredHeaders()
            headers.withLock { $0 = found.map { Endpoint.Header(name: $0.name, value: $0.value) } }
        } catch {
            throw Self.unreadable(error, session)
        }
    }

    /// Who asks, for messages (AUTH-30); nil when no credentials were looked up.
    func identity(for session: Session, at endpoint: Endpoint) -> ResolvedCredential? {
        held.withLock { $0[Self.key(session, endpoint)]?.resolved }
    }

    private static func key(_ session: Session, _ endpoint: Endpoint) -> CredentialKey {
        let host = endpoint.isMirror ? endpoint.authority : session.host.name
        return CredentialKey(host: host, path: session.path, purpose: session.purpose)
    }
}

// MARK: - Headers

extension Authenticator {
    /// What to present for a request; nil while the host has not asked for anything.
    /// - Throws: ``RegistryError`` when credentials can't be read or the realm gives no token.
    func authorization(
        for session: Session,
        at endpoint: Endpoint,
        scopes: ScopeSet
    ) async throws(RegistryError) -> Authorization? {
        let state = knowledge.withLock { $0[endpoint.authority] }
        switch state {
        case .known(.bearer(let challenge)):
            return try await bearer(challenge, session, endpoint, scopes)
        case .known(.basic): return try await basic(session, endpoint)
        case .some(.none): return nil
        case nil:
            guard session.host.quirks.sendsBasicAtOnce, !endpoint.isMirror else { return nil }
            return try await basic(session, endpoint)
        }
    }

    private func basic(_ session: Session, _ endpoint: Endpoint) async throws(RegistryError) -> Authorization? {
        let held = try await credential(session, endpoint)
        switch held.resolved.credential {
        case .basic(let user, let password):
            return Authorization(header: BasicCredentials.header(user, password), kind: .basic, obtainedAt: held.readAt)
        case .registryToken(let token):
            return Authorization(header: Secret("Bearer \(token.exposed)"), kind: .fixed, obtainedAt: held.readAt)
        case .identityToken(let user, let token):
            let name = user ?? session.host.quirks.identityTokenUser ?? "<token>"
            return Authorization(header: BasicCredentials.header(name, token), kind: .basic, obtainedAt: held.readAt)
        case .anonymous: return nil
        }
    }

    private func bearer(
        _ challenge: BearerChallenge,
        _ session: Session,
        _ endpoint: Endpoint,
        _ scopes: ScopeSet
    ) async throws(RegistryError) -> Authorization {
        let held = try await credential(session, endpoint)
        if case .registryToken(let token) = held.resolved.credential {
            return Authorization(header: Secret("Bearer \(token.exposed)"), kind: .fixed, obtainedAt: held.readAt)
        }
        do {
            return try await token(challenge, held.resolved, session, endpoint, scopes)
        } catch let error where error.status != nil && scopes.scopes.count > 1 {
            // A source that can't be read must not stop the push: it is copied instead (AUTH-16).
            let name = try await session.wirePath
            for scope in scopes.scopes where scope.type == "repository" && scope.name != name {
                session.host.noteRefusedMount(from: scope.name, forGood: true)
            }
            events.emit(
                .debug("the token server of \(session.host.name) refused a scope for mounting: \(error.reason)")
            )
            let own = ScopeSet(scopes.scopes.filter { $0.type != "repository" || $0.name == name })
            return try await token(challenge, held.resolved, session, endpoint, own)
        } catch let error where canGoAnonymous(error, held.resolved, session) {
            let warning = Diagnostic(
                .warning,
                "\(session.host.name) rejected the credentials of \(held.resolved.identity) from "
                    + "\(held.resolved.source); pulling anonymously"
            )
            events.emit(.warning(warning))
            keep(.anonymous, session, endpoint)
            return try await token(challenge, .anonymous, session, endpoint, scopes)
        }
    }

    /// A token for somebody without an account.
    func guest(
        _ challenge: BearerChallenge,
        for session: Session,
        at endpoint: Endpoint,
        scopes: ScopeSet
    ) async throws(RegistryError) -> Authorization {
        try await token(challenge, .anonymous, session, endpoint, scopes)
    }

    /// A store that answers for every host may have given what was meant for another purpose (AUTH-22).
    private func canGoAnonymous(_ error: RegistryError, _ resolved: ResolvedCredential, _ session: Session) -> Bool {
        session.purpose == .pull && resolved.origin == .catchAllStore && [401, 403].contains(error.status)
    }

    private func token(
        _ challenge: BearerChallenge,
        _ resolved: ResolvedCredential,
        _ session: Session,
        _ endpoint: Endpoint,
        _ scopes: ScopeSet
    ) async throws(RegistryError) -> Authorization {
        let key = TokenKey(
            realm: challenge.realm,
            service: challenge.service,
            credential: resolved.credential,
            scopes: scopes
        )
        let service = TokenService(session: session, endpoint: endpoint, challenge: challenge, resolved: resolved)
        do {
            let (token, used) = try await tokens.token(for: key) { try await service.fetch(scopes) }
            let header = Secret("Bearer \(token.secret.exposed)")
            return Authorization(header: header, kind: .token(used), obtainedAt: token.obtainedAt)
        } catch let error as RegistryError {
            throw error
        } catch {
            throw session.error(.cancelled, "sign in", "cancelled")
        }
    }
}

// MARK: - Credentials

extension Authenticator {
    private func credential(_ session: Session, _ endpoint: Endpoint) async throws(RegistryError) -> Held {
        let key = Self.key(session, endpoint)
        let now = ContinuousClock.now
        if let known = held.withLock({ $0[key] }), now - known.readAt < Self.credentialLife { return known }
        let resolved: ResolvedCredential
        do {
            resolved = try await credentials.credential(for: key.host, repository: key.path, purpose: key.purpose)
        } catch {
            throw Self.unreadable(error, session)
        }
        return keep(resolved, session, endpoint)
    }

    @discardableResult
    private func keep(_ resolved: ResolvedCredential, _ session: Session, _ endpoint: Endpoint) -> Held {
        let fresh = Held(resolved: resolved, readAt: .now)
        held.withLock { $0[Self.key(session, endpoint)] = fresh }
        return fresh
    }

    private static func unreadable(_ error: BuildError, _ session: Session) -> RegistryError {
        let code: RegistryError.Code =
            switch error.code {
            case .interrupted: .cancelled
            case .network: .network
            default: .unauthorized
            }
        let first = error.diagnostics.first
        var failure = session.error(code, "get credentials", first?.message ?? "\(error)")
        failure.notes = first?.notes ?? []
        failure.hints = first?.hints ?? []
        failure.hasOwnRemedies = true
        failure.isBeforeSending = true
        return failure
    }

    /// Whether there is anything to answer a demand with; a Bearer realm serves anonymous callers, too.
    func hasCredentials(
        for session: Session,
        at endpoint: Endpoint,
        _ scheme: AuthScheme
    ) async throws(RegistryError) -> Bool {
        if case .bearer = scheme { return true }
        return try await credential(session, endpoint).resolved.credential != .anonymous
    }

    /// Asks the source of refused credentials again.
    /// - Returns: Whether they have changed.
    func readAgain(for session: Session, at endpoint: Endpoint) async throws(RegistryError) -> Bool {
        let key = Self.key(session, endpoint)
        let old = held.withLock { $0.removeValue(forKey: key) }
        credentials.invalidate(key.host)
        return try await credential(session, endpoint).resolved.credential != old?.resolved.credential
    }

    /// Takes other credentials when the registry says that the stored ones have expired (CFG-5).
    /// - Returns: False when there are no others.
    func takeAlternative(for session: Session, at endpoint: Endpoint) async throws(BuildError) -> Bool {
        guard let old = identity(for: session, at: endpoint),
            let other = try await credentials.alternative(to: old, for: Self.key(session, endpoint).host)
        else { return false }
        keep(other, session, endpoint)
        return true
    }
}
