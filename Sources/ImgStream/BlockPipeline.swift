import ImgTasks
import Synchronization

/// Compresses a stream of bytes in fixed-size blocks on several threads and hands the results to a sink in order.
///
/// The caller's thread fills blocks and writes results. Two blocks more than there are workers are in flight, so memory is
/// bounded; threads are started only when there is a second block.
final class BlockPipeline: ByteSink {
    private let sink: any ByteSink
    private let settings: CompressionSettings
    private let workers: Int
    private let shared: BlockQueue
    private var current: [UInt8]
    private var submitted = 0
    private var written = 0
    private var hasWorkers = false

    /// - Parameter workers: Threads that compress; at least one.
    init(settings: CompressionSettings, workers: Int, sink: any ByteSink) {
        self.settings = settings
        self.workers = max(1, workers)
        self.sink = sink
        shared = BlockQueue()
        current = []
        current.reserveCapacity(CompressionSettings.blockSize)
    }

    deinit { shared.close() }

    func write(_ bytes: Span<UInt8>) throws(StreamError) {
        var rest = bytes
        while rest.count > 0 {
            let count = min(rest.count, CompressionSettings.blockSize - current.count)
            let part = rest.extracting(first: count)
            unsafe part.withUnsafeBufferPointer { unsafe current.append(contentsOf: $0) }
            rest = rest.extracting(droppingFirst: count)
            if current.count == CompressionSettings.blockSize { try submit() }
        }
    }

    /// Compresses what is left and waits for every block.
    func finish() throws(StreamError) {
        if !hasWorkers, submitted == 0 {
            let compressor = try settings.makeCompressor()
            var out: [UInt8] = []
            try BlockQueue.compress(current, with: compressor, into: &out)
            try sink.write(out.span)
            return
        }
        if !current.isEmpty { try submit() }
        while written < submitted { try writeNext() }
        shared.close()
    }

    private func submit() throws(StreamError) {
        if !hasWorkers { try startWorkers() }
        while submitted - written >= workers + 2 { try writeNext() }
        shared.push(submitted, current)
        submitted += 1
        current = shared.emptyBuffer(CompressionSettings.blockSize)
        while shared.isDone(written), written < submitted { try writeNext() }
    }

    private func startWorkers() throws(StreamError) {
        hasWorkers = true
        let (settings, shared) = (settings, shared)
        var started = 0
        for _ in 0..<workers where WorkerThread.start(name: "imgbuild-deflate", body: { shared.work(settings) }) {
            started += 1
        }
        guard started > 0 else { throw StreamError(.tooLarge, "cannot start a thread") }
    }

    /// Waits for the oldest block and passes it on.
    private func writeNext() throws(StreamError) {
        let block = try shared.take(written)
        written += 1
        try sink.write(block.span)
        shared.recycle(block)
    }
}

/// Blocks between the filling thread and the compressing ones.
final class BlockQueue: Sendable {
    private struct State {
        var waiting: [(sequence: Int, bytes: [UInt8])] = []
        var done: [Int: Result<[UInt8], StreamError>] = [:]
        var free: [[UInt8]] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let work = ThreadSignal()
    private let results = ThreadSignal()

    func push(_ sequence: Int, _ bytes: consuming [UInt8]) {
        let block = (sequence: sequence, bytes: bytes)
        state.withLock { $0.waiting.append(block) }
        work.post()
    }

    func close() {
        state.withLock { $0.isClosed = true }
        // One call is passed on from thread to thread.
        work.post()
    }

    func isDone(_ sequence: Int) -> Bool { state.withLock { $0.done[sequence] != nil } }

    /// Blocks until that block is compressed.
    func take(_ sequence: Int) throws(StreamError) -> [UInt8] {
        while true {
            if let result = state.withLock({ $0.done.removeValue(forKey: sequence) }) { return try result.get() }
            Self.wait(results)
        }
    }

    func recycle(_ buffer: [UInt8]) { state.withLock { $0.free.append(buffer) } }

    func emptyBuffer(_ capacity: Int) -> [UInt8] {
        var buffer = state.withLock { $0.free.popLast() } ?? []
        buffer.removeAll(keepingCapacity: true)
        buffer.reserveCapacity(capacity)
        return buffer
    }

    /// A compressing thread's whole life.
    func work(_ settings: CompressionSettings) {
        var compressor: (any BlockCompressor)?
        var failure: StreamError?
        do throws(StreamError) { compressor = try settings.makeCompressor() } catch { failure = error }
        while let block = nextBlock() {
            var out = emptyBuffer(block.bytes.count)
            let result: Result<[UInt8], StreamError>
            if let failure {
                result = .failure(failure)
            } else {
                do throws(StreamError) {
                    try Self.compress(block.bytes, with: compressor, into: &out)
                    result = .success(out)
                } catch {
                    result = .failure(error)
                }
            }
            state.withLock { state in
                state.done[block.sequence] = result
                state.free.append(block.bytes)
            }
            results.post()
        }
    }

    private func nextBlock() -> (sequence: Int, bytes: [UInt8])? {
        while true {
            let (block, isClosed) = state.withLock { state in
                (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), state.isClosed)
            }
            if let block { return block }
            if isClosed {
                work.post()
                return nil
            }
            Self.wait(work)
        }
    }

    private static func wait(_ signal: ThreadSignal) { signal.wait() }

    /// Compresses a block; without a compressor it is copied.
    static func compress(
        _ block: [UInt8],
        with compressor: (any BlockCompressor)?,
        into out: inout [UInt8]
    ) throws(StreamError) {
        out.removeAll(keepingCapacity: true)
        guard let compressor else {
            out.append(contentsOf: block)
            return
        }
        let bound = compressor.bound(block.count)
        out.reserveCapacity(bound)
        var result: Result<Int, StreamError> = .success(0)
        out.append(contentsOf: repeatElement(0, count: bound))
        unsafe out.withUnsafeMutableBytes { buffer in
            unsafe block.withUnsafeBytes { input in
                do throws(StreamError) {
                    result = .success(unsafe try compressor.compress(input, into: buffer))
                } catch {
                    result = .failure(error)
                }
            }
        }
        out.removeLast(bound - (try result.get()))
    }
}
