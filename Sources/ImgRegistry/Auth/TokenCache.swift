import ImgCredentials
import ImgTasks
import Synchronization

/// A Bearer token and how long it may be used.
struct BearerToken: Sendable {
    var secret: Secret
    /// When the request for it was sent.
    var obtainedAt: ContinuousClock.Instant
    var usableUntil: ContinuousClock.Instant
    /// What `login` may keep instead of the password (LOG-2).
    var refreshToken: Secret?

    /// Usable for 90 % of its life, at least 10 s less than all of it (AUTH-21).
    /// - Parameter life: Seconds as the server says; below 60 counts as 60 (AUTH-20).
    init(_ secret: Secret, life: Int64?, obtainedAt: ContinuousClock.Instant) {
        self.secret = secret
        self.obtainedAt = obtainedAt
        let seconds = min(max(life ?? 60, 60), 86_400)
        usableUntil = obtainedAt + .seconds(min(seconds * 9 / 10, seconds - 10))
    }
}

/// What a token was given for (AUTH-12).
struct TokenKey: Hashable, Sendable {
    var realm: String
    var service: String?
    var credential: Credential
    var scopes: ScopeSet
}

/// Tokens of a run, each requested once however many need it (AUTH-24).
final class TokenCache: Sendable {
    private struct Flight: Hashable, Sendable {
        var key: TokenKey
        var generation: Int
    }

    private struct State {
        var tokens: [TokenKey: BearerToken] = [:]
        /// Counts the tokens given up for each key, so that a new flight is not confused with an old one.
        var generations: [TokenKey: Int] = [:]
    }

    private let state = Mutex(State())
    private let flights = OnceMap<Flight, BearerToken>()

    /// A token for these scopes or more.
    func token(
        for key: TokenKey,
        fetch: @Sendable @escaping () async throws -> BearerToken
    ) async throws -> (BearerToken, TokenKey) {
        let (known, generation) = look(up: key)
        if let known { return known }
        let token = try await flights.value(for: Flight(key: key, generation: generation), make: fetch)
        state.withLock { if $0.generations[key, default: 0] == generation { $0.tokens[key] = token } }
        return (token, key)
    }

    /// Forgets a token that was refused.
    func drop(_ key: TokenKey) { state.withLock { Self.drop(key, &$0) } }

    private static func drop(_ key: TokenKey, _ state: inout State) {
        state.tokens[key] = nil
        state.generations[key, default: 0] += 1
    }

    private func look(up key: TokenKey) -> ((BearerToken, TokenKey)?, generation: Int) {
        let now = ContinuousClock.now
        return state.withLock { state in
            for (other, token) in state.tokens where token.usableUntil <= now { Self.drop(other, &state) }
            let match = state.tokens.first { other, _ in
                other.realm == key.realm && other.service == key.service && other.credential == key.credential
                    && other.scopes.covers(key.scopes)
            }
            return (match.map { ($0.value, $0.key) }, state.generations[key, default: 0])
        }
    }
}
