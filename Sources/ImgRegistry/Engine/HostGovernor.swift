import ImgTasks
import Synchronization

/// Keeps the load on one host within what it tolerates (NET-11, RETRY-6).
final class HostGovernor: Sendable {
    let transfers: Limiter
    let requests: Limiter
    private let fullTransfers: Int
    private let fullRequests: Int

    private struct State {
        var pausedUntil: ContinuousClock.Instant?
        var successes = 0
        var hasWorked = false
    }

    private let state = Mutex(State())

    init(transfers: Int, requests: Int) {
        fullTransfers = max(1, transfers)
        fullRequests = max(1, requests)
        self.transfers = Limiter(limit: fullTransfers)
        self.requests = Limiter(limit: fullRequests)
    }

    /// How long everybody has to leave the host alone.
    var pause: Duration {
        state.withLock { state in
            guard let end = state.pausedUntil else { return .zero }
            let rest = end - ContinuousClock.now
            if rest <= .zero { state.pausedUntil = nil }
            return max(rest, .zero)
        }
    }

    /// The host asked for less: all wait, and half as many go on.
    ///
    /// Requests that were under way together are told so one by one; it counts once.
    func throttle(for delay: Duration) {
        let now = ContinuousClock.now
        let isFirst = state.withLock { state in
            defer {
                state.pausedUntil = max(state.pausedUntil ?? now, now + delay)
                state.successes = 0
            }
            return state.pausedUntil.map { $0 <= now } ?? true
        }
        guard isFirst else { return }
        transfers.limit = max(1, transfers.limit / 2)
        requests.limit = max(1, requests.limit / 2)
    }

    /// Gives one slot back after each 20 successes.
    func succeeded() {
        let isTimeToGrow = state.withLock { state in
            state.hasWorked = true
            state.successes += 1
            return state.successes.isMultiple(of: 20)
        }
        guard isTimeToGrow else { return }
        if transfers.limit < fullTransfers { transfers.limit += 1 }
        if requests.limit < fullRequests { requests.limit += 1 }
    }

    /// Whether some request was answered before: a name that doesn't resolve is a passing fault then (RETRY-2).
    var hasWorked: Bool { state.withLock { $0.hasWorked } }
}
