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
