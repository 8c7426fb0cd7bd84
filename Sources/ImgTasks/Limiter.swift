import Synchronization

/// Lets a limited number of tasks through at a time, in the order in which they asked.
package final class Limiter: Sendable {
    private struct Waiter {
        let ticket: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var limit: Int
        var used = 0
        var tickets: UInt64 = 0
        var waiters: [Waiter] = []

        /// Takes the slots that are free for those who have waited longest.
        mutating func admit() -> [Waiter] {
            let count = min(max(0, limit - used), waiters.count)
            let admitted = Array(waiters.prefix(count))
            waiters.removeFirst(count)
            used += count
            return admitted
        }
    }

    private let state: Mutex<State>

    /// Makes a limiter with `limit` slots; at least one.
    package init(limit: Int) {
        state = Mutex(State(limit: max(1, limit)))
    }

    /// How many may be inside; lowering it lets those inside finish.
    package var limit: Int {
        get { state.withLock { $0.limit } }
        set {
            let admitted = state.withLock { state in
                state.limit = max(1, newValue)
                return state.admit()
            }
            for waiter in admitted {
                waiter.continuation.resume(returning: true)
            }
        }
    }

    /// How many are inside now.
    package var inUse: Int { state.withLock { $0.used } }

    /// Runs `body` while holding a slot.
    ///
    /// - Throws: What `body` throws; `CancellationError` if the task was cancelled while it waited.
    package func withSlot<T>(_ body: () async throws -> T) async throws -> T {
        try await acquire()
        defer { release() }
        return try await body()
    }

    private func acquire() async throws {
        let ticket = state.withLock { state in
            state.tickets += 1
            return state.tickets
        }
        let admitted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    // A handler that ran before this found no waiter; it set this flag first.
                    if Task.isCancelled { return false }
                    if state.used < state.limit, state.waiters.isEmpty {
                        state.used += 1
                        return true
                    }
                    state.waiters.append(Waiter(ticket: ticket, continuation: continuation))
                    return nil
                }
                if let answer {
                    continuation.resume(returning: answer)
                }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.ticket == ticket }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: false)
        }
        guard admitted else { throw CancellationError() }
    }

    private func release() {
        let admitted = state.withLock { state in
            state.used -= 1
            return state.admit()
        }
        for waiter in admitted {
            waiter.continuation.resume(returning: true)
        }
    }
}
