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

/// Holds up the calling thread, which is none of Swift's.
package func sleepSeconds(_ seconds: UInt32) {
    sleep(seconds)
}
