import ImgTasks
import Testing

struct RetryPolicyTests {
    /// Pauses in seconds, drawn 500 times.
    static func draws(_ policy: RetryPolicy, attempt: Int) -> [Double] {
        var random = SystemRandomNumberGenerator()
        return (0..<500).map { _ in policy.delay(attempt: attempt, retryAfter: nil, random: &random) / .seconds(1) }
    }

    @Test(arguments: [(1, 1.0), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (50, 30)])
    func doublesUpToTheCap(attempt: Int, longest: Double) throws {
        let pauses = Self.draws(RetryPolicy(), attempt: attempt)
        #expect(pauses.allSatisfy { $0 >= longest * 0.4999 && $0 <= longest * 1.0001 })
        #expect(try #require(pauses.min()) < longest * 0.6, "the pauses are spread")
        #expect(try #require(pauses.max()) > longest * 0.9)
    }

    @Test func aLongerRetryAfterCounts() {
        var random = SystemRandomNumberGenerator()
        let policy = RetryPolicy()
        #expect(policy.delay(attempt: 1, retryAfter: .seconds(90), random: &random) == .seconds(90))
        #expect(policy.delay(attempt: 5, retryAfter: .seconds(1), random: &random) >= .seconds(8))
    }
}
