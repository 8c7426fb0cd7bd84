import ImgTasks
import Testing

@testable import ImgRegistry

@Suite struct HostGovernorTests {
    /// Eight requests that are under way together get one answer each.
    @Test func whatIsToldTogetherCountsOnce() {
        let governor = HostGovernor(transfers: 8, requests: 16)
        for _ in 0..<8 { governor.throttle(for: .seconds(60)) }
        #expect(governor.transfers.limit == 4)
        #expect(governor.requests.limit == 8)
        #expect(governor.pause > .seconds(50))
    }

    @Test func thePauseCanBecomeLonger() {
        let governor = HostGovernor(transfers: 8, requests: 16)
        governor.throttle(for: .seconds(1))
        governor.throttle(for: .seconds(60))
        governor.throttle(for: .seconds(1))
        #expect(governor.pause > .seconds(50))
    }

    @Test func afterThePauseItCountsAgain() {
        let governor = HostGovernor(transfers: 8, requests: 16)
        governor.throttle(for: .zero)
        governor.throttle(for: .zero)
        #expect(governor.transfers.limit == 2)
    }
}
