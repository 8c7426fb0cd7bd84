import Synchronization

/// Received bytes between the loop's thread and the task that reads the body.
final class ReceiveBuffer: Sendable {
    static let chunkSize = 64 << 10
    /// With this much unread, the transfer pauses.
    static let limit = 256 << 10

    enum Offer {
        case taken
        case full
        /// The reader has gone and too much would have to be drained.
        case refused
    }

    enum Step {
        /// The flag asks for the transfer to go on.
        case chunk([UInt8], resume: Bool)
        case end
        case failure(HTTPError)
        case empty
    }

    private struct State {
        var chunks: [[UInt8]] = []
        var buffered = 0
        var end: Result<Void, HTTPError>?
        var readers: [CheckedContinuation<Void, Never>] = []
        var full = false
        /// Bytes that may still be drained, once the reader has gone.
        var allowance: Int?

        mutating func takeReaders() -> [CheckedContinuation<Void, Never>] {
            defer { readers = [] }
            return readers
        }
    }

    private let state = Mutex(State())

    // MARK: The loop's side

    /// Copies bytes in, or takes none of them.
    func offer(_ bytes: UnsafeRawBufferPointer) -> Offer {
        let (offer, readers) = state.withLock { state -> (Offer, [CheckedContinuation<Void, Never>]) in
            if let allowance = state.allowance {
                state.allowance = allowance - bytes.count
                return (allowance >= bytes.count ? .taken : .refused, [])
            }
            if state.buffered >= Self.limit {
                state.full = true
                return (.full, [])
            }
            unsafe Self.append(bytes, to: &state.chunks)
            state.buffered += bytes.count
            // Smaller pieces are handed over by `flush`, all of a turn at once.
            return (.taken, state.buffered >= Self.chunkSize ? state.takeReaders() : [])
        }
        for reader in readers { reader.resume() }
        return offer
    }

    /// Wakes the reader if there is anything for it.
    func flush() {
        let readers = state.withLock { $0.buffered > 0 || $0.end != nil ? $0.takeReaders() : [] }
        for reader in readers { reader.resume() }
    }

    /// No more bytes will come.
    func finish(_ result: Result<Void, HTTPError>) {
        let readers = state.withLock { state in
            if state.end == nil { state.end = result }
            return state.takeReaders()
        }
        for reader in readers { reader.resume() }
    }

    private static func append(_ bytes: UnsafeRawBufferPointer, to chunks: inout [[UInt8]]) {
        var rest = unsafe bytes[...]
        if let last = chunks.indices.last, chunks[last].count < chunkSize {
            let part = unsafe rest.prefix(chunkSize - chunks[last].count)
            unsafe chunks[last].append(contentsOf: part)
            unsafe rest = rest.dropFirst(part.count)
        }
        while unsafe !rest.isEmpty {
            var chunk: [UInt8] = []
            chunk.reserveCapacity(chunkSize)
            unsafe chunk.append(contentsOf: rest.prefix(chunkSize))
            unsafe rest = rest.dropFirst(chunk.count)
            chunks.append(chunk)
        }
    }

    // MARK: The reader's side

    func next() -> Step {
        state.withLock { state in
            guard !state.chunks.isEmpty else {
                return switch state.end {
                case .success: .end
                case .failure(let error): .failure(error)
                case nil: .empty
                }
            }
            let chunk = state.chunks.removeFirst()
            state.buffered -= chunk.count
            let resume = state.full && state.buffered <= Self.limit / 2
            if resume { state.full = false }
            return .chunk(chunk, resume: resume)
        }
    }

    /// Waits until there is a step to take or the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { reader in
                let ready = state.withLock { state in
                    if Task.isCancelled || !state.chunks.isEmpty || state.end != nil { return true }
                    state.readers.append(reader)
                    return false
                }
                if ready { reader.resume() }
            }
        } onCancel: {
            let readers = state.withLock { $0.takeReaders() }
            for reader in readers { reader.resume() }
        }
    }

    /// The reader goes; up to `allowance` more bytes are swallowed so that the connection can be used again.
    /// - Returns: Whether the transfer waits for room.
    func discard(allowance: Int) -> Bool {
        state.withLock { state in
            state.chunks = []
            state.buffered = 0
            state.allowance = allowance
            defer { state.full = false }
            return state.full
        }
    }
}
