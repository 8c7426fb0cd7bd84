import Synchronization

/// Bytes of a streamed body between the task that makes them and the loop's thread.
final class SendBuffer: Sendable {
    /// With this much unsent, the source waits.
    static let limit = 512 << 10

    enum Fill {
        case bytes(Int)
        case empty
        case end
        case failure(HTTPError)
    }

    private struct State {
        var chunks: [[UInt8]] = []
        /// Bytes of the first chunk that are gone.
        var offset = 0
        var buffered = 0
        var end: Result<Void, HTTPError>?
        var closed = false
        var loopWaits = false
        var source: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    // MARK: The source's side

    enum Push {
        /// The flag says that the loop waits for bytes.
        case taken(loopWaits: Bool)
        case full
        case closed
    }

    func push(_ bytes: [UInt8]) -> Push {
        state.withLock { state in
            if state.closed { return .closed }
            guard state.buffered < Self.limit else { return .full }
            if !bytes.isEmpty {
                state.chunks.append(bytes)
                state.buffered += bytes.count
            }
            return .taken(loopWaits: state.loopWaits.take(if: !bytes.isEmpty))
        }
    }

    /// Ends the body.
    /// - Returns: Whether the loop waits for bytes.
    func finish(_ result: Result<Void, HTTPError>) -> Bool {
        state.withLock { state in
            state.end = result
            return state.loopWaits.take(if: true)
        }
    }

    /// Waits until there is room or the loop has closed the buffer.
    func waitForRoom() async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                if state.closed || state.buffered < Self.limit { return true }
                state.source = continuation
                return false
            }
            if ready { continuation.resume() }
        }
    }

    // MARK: The loop's side

    func fill(_ target: UnsafeMutableRawBufferPointer) -> Fill {
        let (fill, source) = state.withLock { state -> (Fill, CheckedContinuation<Void, Never>?) in
            var count = 0
            while count < target.count, let chunk = state.chunks.first {
                let part = min(target.count - count, chunk.count - state.offset)
                unsafe target[count..<count + part].copyBytes(from: chunk[state.offset..<state.offset + part])
                count += part
                state.offset += part
                if state.offset == chunk.count {
                    state.chunks.removeFirst()
                    state.offset = 0
                }
            }
            state.buffered -= count
            if count > 0 {
                return (.bytes(count), state.buffered < Self.limit ? state.source.take() : nil)
            }
            if state.closed { return (.end, nil) }
            switch state.end {
            case .success: return (.end, nil)
            case .failure(let error): return (.failure(error), nil)
            case nil:
                state.loopWaits = true
                return (.empty, nil)
            }
        }
        source?.resume()
        return fill
    }

    /// The transfer wants no more bytes.
    func close() {
        let source = state.withLock { state in
            state.closed = true
            state.chunks = []
            state.buffered = 0
            return state.source.take()
        }
        source?.resume()
    }
}

extension Bool {
    /// The value, which becomes false if the condition holds.
    fileprivate mutating func take(if condition: Bool) -> Bool {
        guard condition else { return false }
        defer { self = false }
        return self
    }
}
