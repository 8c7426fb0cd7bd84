import Synchronization

/// Values made once per key, however many tasks ask at the same time.
///
/// A failure reaches everyone who waits and is then forgotten: the next caller tries again. A caller who is cancelled
/// stops waiting at once; the work itself is cancelled only when nobody waits for it any more.
package final class OnceMap<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private typealias Waiter = CheckedContinuation<Value, any Error>

    private struct Flight {
        var number: UInt64
        var waiters: [UInt64: Waiter] = [:]
        var task: Task<Void, Never>?
    }

    private struct State {
        var values: [Key: Value] = [:]
        var flights: [Key: Flight] = [:]
        var tickets: UInt64 = 0

        mutating func ticket() -> UInt64 {
            tickets += 1
            return tickets
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// The finished value, if there is one.
    package func value(ifReady key: Key) -> Value? {
        state.withLock { $0.values[key] }
    }

    /// Forgets a finished value, so that the next caller makes it anew.
    package func forget(_ key: Key) {
        state.withLock { $0.values[key] = nil }
    }

    /// The value of `key`, made by `make` unless it exists or is being made.
    ///
    /// - Parameters:
    ///   - key: What the value is for.
    ///   - make: Runs in a task of its own, because its result belongs to all callers.
    /// - Returns: The same value for every caller of the key.
    /// - Throws: What `make` threw; `CancellationError` if this task was cancelled.
    package func value(
        for key: Key,
        make: @Sendable @escaping () async throws -> Value
    ) async throws -> Value {
        let (ready, ticket) = state.withLock { ($0.values[key], $0.ticket()) }
        if let ready { return ready }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                join(key, ticket: ticket, waiter: waiter, make: make)
            }
        } onCancel: {
            leave(key, ticket: ticket)
        }
    }

    private func join(
        _ key: Key,
        ticket: UInt64,
        waiter: Waiter,
        make: @Sendable @escaping () async throws -> Value
    ) {
        let answer: Result<Value, any Error>? = state.withLock { state in
            if let value = state.values[key] { return .success(value) }
            // If the handler has run already it found nothing to remove; it set this flag before.
            if Task.isCancelled { return .failure(CancellationError()) }
            if state.flights[key] == nil {
                let number = state.ticket()
                var flight = Flight(number: number)
                flight.task = Task {
                    let result: Result<Value, any Error>
                    do {
                        result = .success(try await make())
                    } catch {
                        result = .failure(error)
                    }
                    self.finish(key, number: number, result: result)
                }
                state.flights[key] = flight
            }
            state.flights[key]?.waiters[ticket] = waiter
            return nil
        }
        if let answer {
            waiter.resume(with: answer)
        }
    }

    private func leave(_ key: Key, ticket: UInt64) {
        let (waiter, abandoned) = state.withLock { state -> (Waiter?, Task<Void, Never>?) in
            guard let waiter = state.flights[key]?.waiters.removeValue(forKey: ticket) else { return (nil, nil) }
            guard let flight = state.flights[key], flight.waiters.isEmpty else { return (waiter, nil) }
            state.flights[key] = nil
            return (waiter, flight.task)
        }
        abandoned?.cancel()
        waiter?.resume(throwing: CancellationError())
    }

    private func finish(_ key: Key, number: UInt64, result: Result<Value, any Error>) {
        let waiters = state.withLock { state -> [Waiter] in
            // An abandoned flight may end after another one for the key has started.
            guard let flight = state.flights[key], flight.number == number else { return [] }
            state.flights[key] = nil
            if case .success(let value) = result {
                state.values[key] = value
            }
            return Array(flight.waiters.values)
        }
        for waiter in waiters {
            waiter.resume(with: result)
        }
    }
}
