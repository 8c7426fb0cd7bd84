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
        let pauses = Self.draws(.standard, attempt: attempt)
        #expect(pauses.allSatisfy { $0 >= longest * 0.4999 && $0 <= longest * 1.0001 })
        #expect(try #require(pauses.min()) < longest * 0.6, "the pauses are spread")
        #expect(try #require(pauses.max()) > longest * 0.9)
    }

    @Test func aLongerRetryAfterCounts() {
        var random = SystemRandomNumberGenerator()
        let policy = RetryPolicy.standard
        #expect(policy.delay(attempt: 1, retryAfter: .seconds(90), random: &random) == .seconds(90))
        #expect(policy.delay(attempt: 5, retryAfter: .seconds(1), random: &random) >= .seconds(8))
    }

    @Test func throttlingHasItsOwnNumbers() {
        let policy = RetryPolicy.throttled
        #expect(policy.attempts == 8)
        #expect(Self.draws(policy, attempt: 1).allSatisfy { $0 >= 0.9999 && $0 <= 2.0001 })
        #expect(Self.draws(policy, attempt: 8).allSatisfy { $0 >= 29.999 && $0 <= 60.001 })
    }

    @Test func theBudgetEndsAfterFiveTries() {
        var budget = RetryBudget()
        var random = SystemRandomNumberGenerator()
        for _ in 0..<4 { #expect(budget.failed(random: &random) != nil) }
        #expect(budget.failed(random: &random) == nil)
        #expect(budget.totalFailures == 5)
    }

    @Test func progressStartsTheCountAgain() {
        var budget = RetryBudget()
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20 { #expect(budget.failed(progress: 1 << 20, random: &random) != nil) }
        for _ in 0..<3 { #expect(budget.failed(progress: (1 << 20) - 1, random: &random) != nil) }
        #expect(budget.failed(random: &random) == nil)
    }

    @Test func tooLongARetryAfterIsTheEnd() {
        var random = SystemRandomNumberGenerator()
        var budget = RetryBudget()
        #expect(budget.failed(retryAfter: .seconds(300), random: &random) == .seconds(300))
        #expect(budget.failed(retryAfter: .seconds(301), random: &random) == nil)
    }
}
