import Synchronization

/// A number that several threads change.
final class Counter: Sendable {
    private let number = Mutex(0)

    var value: Int { number.withLock { $0 } }

    /// Adds and returns the sum.
    @discardableResult
    func add(_ amount: Int) -> Int {
        number.withLock { number in
            number += amount
            return number
        }
    }
}

/// A switch that several threads use.
final class Flag: Sendable {
    private let state = Mutex(false)

    var value: Bool { state.withLock { $0 } }

    /// Sets the switch and returns how it stood before.
    @discardableResult
    func set(_ value: Bool) -> Bool {
        state.withLock { state in
            defer { state = value }
            return state
        }
    }
}

/// Values gathered from several threads.
final class Collected<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    func append(_ value: Value) {
        values.withLock { $0.append(value) }
    }

    var all: [Value] { values.withLock { $0 } }
}
