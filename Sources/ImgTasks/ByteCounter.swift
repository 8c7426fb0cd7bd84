import Synchronization

/// How far some work has come, for others to look at meanwhile.
package final class ByteCounter: Sendable {
    private let count = Atomic<Int64>(0)

    package init() {}

    /// Bytes so far; less than before when something is done anew.
    package var value: Int64 { count.load(ordering: .relaxed) }

    package func add(_ bytes: Int64) {
        if bytes != 0 { count.add(bytes, ordering: .relaxed) }
    }

    package func reset(to bytes: Int64) { count.store(bytes, ordering: .relaxed) }

    /// Tells about each change, at most once a second, while work goes on.
    package func watched<Value, Failure: Error>(
        by tell: @escaping @Sendable (_ bytes: Int64) -> Void,
        during work: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let first = value
        let ticker = Task { [self] in
            var last = first
            while true {
                try await Task.sleep(for: .seconds(1))
                let now = value
                if now != last { tell(now) }
                last = now
            }
        }
        defer { ticker.cancel() }
        return try await work()
    }
}
