import ImgOCI

/// A value and the time from which it is to be made anew.
struct Aging<Value: Sendable>: Sendable {
    var value: Value
    /// nil: never.
    var staleAt: Timestamp?
}

/// Values that grow old. However many ask at once, a value is made once; failures are not kept.
actor ExpiringCache<Key: Hashable & Sendable, Value: Sendable> {
    private struct Flight {
        let task: Task<Aging<Value>, any Error>
        var waiters: Int
    }

    private var values: [Key: Aging<Value>] = [:]
    private var flights: [Key: Flight] = [:]

    /// The kept value while it is fresh, else what `make` gives.
    ///
    /// Making goes on while anyone waits, and is cancelled with the last of them.
    func value(
        for key: Key,
        at now: Timestamp,
        make: @escaping @Sendable () async throws -> Aging<Value>
    ) async throws -> Value {
        if let kept = values[key], kept.staleAt.map({ now < $0 }) ?? true { return kept.value }
        let task = flights[key]?.task ?? Task { try await make() }
        flights[key, default: Flight(task: task, waiters: 0)].waiters += 1
        let result = await withTaskCancellationHandler {
            await task.result
        } onCancel: {
            Task { await self.leave(key, task) }
        }
        // A flight that `forget` dropped, or that is over, leaves nothing behind.
        if flights[key]?.task == task {
            flights[key] = nil
            if case .success(let aging) = result { values[key] = aging }
        }
        return try result.get().value
    }

    /// Drops the values whose keys match, and what is being made for them.
    func forget(where matches: @Sendable (Key) -> Bool) {
        values = values.filter { !matches($0.key) }
        flights = flights.filter { !matches($0.key) }
    }

    private func leave(_ key: Key, _ task: Task<Aging<Value>, any Error>) {
        guard flights[key]?.task == task else { return }
        flights[key]?.waiters -= 1
        if flights[key]?.waiters == 0 { task.cancel() }
    }
}
