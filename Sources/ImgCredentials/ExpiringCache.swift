import ImgOCI
import ImgTasks
import Synchronization

/// A value and the time from which it is to be made anew.
struct Aging<Value: Sendable>: Sendable {
    var value: Value
    /// nil: never.
    var staleAt: Timestamp?
}

/// Values that grow old; however many ask at once, a value is made once, and failures are not kept.
final class ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let once = OnceMap<Key, Aging<Value>>()
    private let keys = Mutex<Set<Key>>([])

    /// The kept value while it is fresh, else what `make` gives.
    func value(
        for key: Key,
        at now: Timestamp,
        make: @escaping @Sendable () async throws -> Aging<Value>
    ) async throws -> Value {
        if let kept = once.value(ifReady: key) {
            if kept.staleAt.map({ now < $0 }) ?? true { return kept.value }
            once.forget(key)
        }
        _ = keys.withLock { $0.insert(key) }
        return try await once.value(for: key, make: make).value
    }

    /// Drops the finished values whose keys match.
    func forget(where matches: (Key) -> Bool) {
        for key in keys.withLock({ $0.filter(matches) }) { once.forget(key) }
    }
}
