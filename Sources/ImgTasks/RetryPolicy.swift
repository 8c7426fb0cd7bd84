/// How often and after which pauses a request is repeated (`RETRY-4` to `RETRY-6`).
package struct RetryPolicy: Sendable, Hashable {
    /// Tries in all, the first one included.
    package var attempts: Int
    /// The longest pause after the first failure.
    package var base: Duration
    /// What each further failure multiplies the pause by.
    package var factor: Double
    /// The longest pause of all, unless the server asks for more.
    package var cap: Duration

    package init(
        attempts: Int = 5,
        base: Duration = .seconds(1),
        factor: Double = 2,
        cap: Duration = .seconds(30)
    ) {
        self.attempts = attempts
        self.base = base
        self.factor = factor
        self.cap = cap
    }

    /// For failures of the network and of servers.
    package static var standard: RetryPolicy { RetryPolicy() }
    /// For status 429 without `Retry-After`.
    package static var throttled: RetryPolicy { RetryPolicy(attempts: 8, base: .seconds(2), cap: .seconds(60)) }
    /// The longest `Retry-After` that is waited for; a longer one is the end.
    package static var longestRetryAfter: Duration { .seconds(300) }

    /// The pause before the next try.
    ///
    /// - Parameters:
    ///   - attempt: Failures so far, 1 after the first.
    ///   - retryAfter: What the server asked for; it counts if it is longer.
    ///   - random: Spreads callers over 50 to 100 % of the pause.
    /// - Returns: At least what the server asked for.
    package func delay(
        attempt: Int,
        retryAfter: Duration?,
        random: inout some RandomNumberGenerator
    ) -> Duration {
        var longest = min(base, cap)
        for _ in 1..<max(1, attempt) where longest < cap {
            longest = min(longest * factor, cap)
        }
        let pause = longest * Double.random(in: 0.5...1, using: &random)
        return max(pause, retryAfter ?? .zero)
    }
}

/// The count of one request's failures under a policy.
package struct RetryBudget: Sendable {
    /// Progress that earns a fresh count, in bytes.
    package static var progressThatResets: Int64 { 1 << 20 }

    private let policy: RetryPolicy
    /// Failures since the start or since the last real progress.
    package private(set) var failures = 0
    /// Failures in all.
    package private(set) var totalFailures = 0

    package init(_ policy: RetryPolicy = .standard) {
        self.policy = policy
    }

    /// Counts a failure.
    ///
    /// - Parameters:
    ///   - progress: Bytes that the failed try moved for good; 1 MiB or more starts the count again (`RETRY-5`).
    ///   - retryAfter: What the server asked for.
    ///   - random: Source of the spread.
    /// - Returns: The pause before the next try, or nil when there is none.
    package mutating func failed(
        progress: Int64 = 0,
        retryAfter: Duration? = nil,
        random: inout some RandomNumberGenerator
    ) -> Duration? {
        totalFailures += 1
        failures = progress >= Self.progressThatResets ? 1 : failures + 1
        guard failures < policy.attempts else { return nil }
        if let retryAfter, retryAfter > RetryPolicy.longestRetryAfter { return nil }
        return policy.delay(attempt: failures, retryAfter: retryAfter, random: &random)
    }
}
