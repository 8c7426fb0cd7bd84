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
            var out = CompressedBlock()
            try out.fill(current, with: compressor)
            try out.write(to: sink)
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
        try block.write(to: sink)
        shared.recycle(block)
    }
}

/// What a block was compressed to, in a buffer that is used again as it is: to clear it would cost as much as to copy it.
struct CompressedBlock {
    private var buffer: [UInt8] = []
    private var count = 0

    func write(to sink: any ByteSink) throws(StreamError) { try sink.write(buffer.span.extracting(first: count)) }

    /// Compresses a block; without a compressor it is copied.
    mutating func fill(_ block: [UInt8], with compressor: (any BlockCompressor)?) throws(StreamError) {
        guard let compressor else {
            buffer = block
            count = block.count
            return
        }
        let bound = compressor.bound(block.count)
        if buffer.count < bound { buffer = [UInt8](repeating: 0, count: bound) }
        var result: Result<Int, StreamError> = .success(0)
        unsafe buffer.withUnsafeMutableBytes { buffer in
            unsafe block.withUnsafeBytes { input in
                do throws(StreamError) {
                    result = .success(unsafe try compressor.compress(input, into: buffer))
                } catch {
                    result = .failure(error)
                }
            }
        }
        count = try result.get()
    }
}

/// Blocks between the filling thread and the compressing ones.
final class BlockQueue: Sendable {
    private struct State {
        var waiting: [(sequence: Int, bytes: [UInt8])] = []
        var done: [Int: Result<CompressedBlock, StreamError>] = [:]
        var free: [[UInt8]] = []
        var freeResults: [CompressedBlock] = []
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
    func take(_ sequence: Int) throws(StreamError) -> CompressedBlock {
        while true {
            if let result = state.withLock({ $0.done.removeValue(forKey: sequence) }) { return try result.get() }
            Self.wait(results)
        }
    }

    /// Takes a block's buffer back; nobody else may hold it, or it would be copied when it is filled again.
    func recycle(_ block: consuming CompressedBlock) {
        state.withLock { [block] in $0.freeResults.append(block) }
    }

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
            var out = state.withLock { $0.freeResults.popLast() } ?? CompressedBlock()
            let result: Result<CompressedBlock, StreamError>
            if let failure {
                result = .failure(failure)
            } else {
                do throws(StreamError) {
                    try out.fill(block.bytes, with: compressor)
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
}
