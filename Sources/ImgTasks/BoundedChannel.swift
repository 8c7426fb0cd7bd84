import Synchronization

/// The reader of a channel has gone: nothing sent would arrive.
package struct ChannelClosed: Error {
    package init() {}
}

/// A queue of bounded length between one producer and one consumer.
///
/// The consumer may be a task or a thread of a ``BlockingPool``. The blocking call notices the cancellation of the task it
/// runs in within a fraction of a second.
package final class BoundedChannel<Element: Sendable>: Sendable {
    /// Who waits for the other side.
    private enum Waiter {
        case task(CheckedContinuation<Void, Never>)
        case thread(ThreadSignal)

        func wake() {
            switch self {
            case .task(let continuation): continuation.resume()
            case .thread(let signal): signal.post()
            }
        }
    }

    private enum Side {
        case producer
        case consumer
    }

    private struct State {
        var elements: [Element?] = []
        /// Index of the oldest element.
        var first = 0
        var end: Result<Void, any Error>?
        var cancelled = false
        var producer: Waiter?
        var consumer: Waiter?

        var count: Int { elements.count - first }

        mutating func removeFirst() -> Element? {
            guard first < elements.count else { return nil }
            let element = elements[first].take()
            first += 1
            if first == elements.count {
                elements.removeAll(keepingCapacity: true)
                first = 0
            } else if first >= 64 {
                elements.removeSubrange(..<first)
                first = 0
            }
            return element
        }

        func mustWait(_ side: Side, capacity: Int) -> Bool {
            switch side {
            case .producer: count >= capacity && end == nil && !cancelled
            case .consumer: count == 0 && end == nil && !cancelled
            }
        }

        /// Puts down who waits; the one who waited there before looks again.
        mutating func park(_ side: Side, _ waiter: Waiter) -> Waiter? {
            let previous = take(side)
            switch side {
            case .producer: producer = waiter
            case .consumer: consumer = waiter
            }
            return previous
        }

        mutating func take(_ side: Side) -> Waiter? {
            switch side {
            case .producer: producer.take()
            case .consumer: consumer.take()
            }
        }
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// Makes a channel that holds at most `capacity` elements; at least one.
    package init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// Adds an element, waiting for room.
    /// - Throws: ``ChannelClosed`` if the consumer has gone or the channel was finished; `CancellationError`.
    package func send(_ element: Element) async throws {
        while try !offer(element) {
            try Task.checkCancellation()
            await wait(.producer)
        }
    }

    /// The oldest element, or nil after the last.
    /// - Throws: The error the channel was finished with; `CancellationError`.
    package func next() async throws -> Element? {
        while true {
            if let step = try poll() { return step.element }
            try Task.checkCancellation()
            await wait(.consumer)
        }
    }

    /// The oldest element, or nil after the last, blocking the thread until there is one.
    /// - Throws: The error the channel was finished with; `CancellationError`.
    @available(*, noasync)
    package func nextBlocking() throws -> Element? {
        while true {
            if let step = try poll() { return step.element }
            try Task.checkCancellation()
            block()
        }
    }

    /// The producer is done: what is queued is still delivered, then the error, if there is one.
    package func finish(throwing error: (any Error)? = nil) {
        let waiters = state.withLock { state -> [Waiter?] in
            if state.end == nil {
                state.end = error.map { .failure($0) } ?? .success(())
            }
            return [state.take(.consumer), state.take(.producer)]
        }
        for waiter in waiters {
            waiter?.wake()
        }
    }

    /// The consumer goes away: what is queued is dropped, and sending throws ``ChannelClosed``.
    package func cancel() {
        let waiters = state.withLock { state -> [Waiter?] in
            state.cancelled = true
            state.elements = []
            state.first = 0
            return [state.take(.consumer), state.take(.producer)]
        }
        for waiter in waiters {
            waiter?.wake()
        }
    }

    private func offer(_ element: Element) throws -> Bool {
        let (accepted, waiter) = try state.withLock { state throws -> (Bool, Waiter?) in
            if state.cancelled || state.end != nil { throw ChannelClosed() }
            guard state.count < capacity else { return (false, nil) }
            state.elements.append(element)
            return (true, state.take(.consumer))
        }
        waiter?.wake()
        return accepted
    }

    /// A step of the consumer: an element or the end; nil means that there is nothing yet.
    private func poll() throws -> (element: Element?, Void)? {
        let (step, waiter) = try state.withLock { state throws -> ((element: Element?, Void)?, Waiter?) in
            if let element = state.removeFirst() { return ((element, ()), state.take(.producer)) }
            if state.cancelled { return ((nil, ()), nil) }
            guard let end = state.end else { return (nil, nil) }
            try end.get()
            return ((nil, ()), nil)
        }
        waiter?.wake()
        return step
    }

    private func wait(_ side: Side) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let woken = state.withLock { state -> Waiter? in
                    // A cancellation handler that ran before this found nobody; it set the flag first.
                    guard state.mustWait(side, capacity: capacity), !Task.isCancelled else {
                        return .task(continuation)
                    }
                    return state.park(side, .task(continuation))
                }
                woken?.wake()
            }
        } onCancel: {
            let waiter = state.withLock { $0.take(side) }
            waiter?.wake()
        }
    }

    /// For the consumer.
    private func block() {
        let signal = ThreadSignal()
        let previous = state.withLock { state -> Waiter? in
            guard state.mustWait(.consumer, capacity: capacity) else { return .thread(signal) }
            return state.park(.consumer, .thread(signal))
        }
        previous?.wake()
        // Not for ever: nothing else tells a blocked thread that its task was cancelled.
        signal.wait(milliseconds: 200)
        state.withLock { state in
            if case .thread(let parked)? = state.consumer, parked === signal { _ = state.take(.consumer) }
        }
    }
}
