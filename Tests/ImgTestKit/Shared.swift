import Glibc
import Synchronization

/// A number that several threads change.
package final class Counter: Sendable {
    private let number = Mutex(0)

    package init() {}

    package var value: Int { number.withLock { $0 } }

    /// Adds and returns the sum.
    @discardableResult
    package func add(_ amount: Int) -> Int {
        number.withLock { number in
            number += amount
            return number
        }
    }
}

/// A switch that several threads use.
package final class Flag: Sendable {
    private let state = Mutex(false)

    package init() {}

    package var value: Bool { state.withLock { $0 } }

    /// Sets the switch and returns how it stood before.
    @discardableResult
    package func set(_ value: Bool) -> Bool {
        state.withLock { state in
            defer { state = value }
            return state
        }
    }
}

/// Values gathered from several threads.
package final class Collected<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    package init() {}

    package var all: [Value] { values.withLock { $0 } }

    package func append(_ value: Value) {
        values.withLock { $0.append(value) }
    }
}

/// Holds up the calling thread, which is none of Swift's.
package func pause(seconds: Double) {
    usleep(UInt32(seconds * 1_000_000))
}
