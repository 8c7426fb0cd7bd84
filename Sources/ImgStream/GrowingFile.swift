import Glibc
import Synchronization

/// A file that others read while it is written.
///
/// One thread writes it and says how far it has come; any number of tasks follow.
package final class GrowingFile: Sendable {
    private struct State {
        /// The reader's own, -1 until there is one.
        var descriptor: Int32 = -1
        var isEnded = false
        var size: Int64 = 0
        var followers: [AsyncStream<Int64>.Continuation] = []
    }

    private let state = Mutex(State())

    package init() {}

    deinit {
        let descriptor = state.withLock { $0.descriptor }
        if descriptor >= 0 { close(descriptor) }
    }

    /// Whether there is nothing more to wait for: the file is whole, or it will never be.
    package var isEnded: Bool { state.withLock { $0.isEnded } }

    /// The sizes in bytes that the file has come to, as far as they are news, from the present one on; ends with the file.
    package func sizes() -> AsyncStream<Int64> {
        let (sizes, follower) = AsyncStream.makeStream(of: Int64.self, bufferingPolicy: .bufferingNewest(1))
        let isEnded = state.withLock { state in
            guard !state.isEnded else { return true }
            if state.size > 0 { follower.yield(state.size) }
            state.followers.append(follower)
            return false
        }
        if isEnded { follower.finish() }
        return sizes
    }

    /// Bytes that have been written, at most `count` from an offset on.
    ///
    /// Blocks.
    package func read(from offset: Int64, count: Int) throws(StreamError) -> [UInt8] {
        let descriptor = state.withLock { $0.descriptor }
        guard descriptor >= 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        while true {
            let done = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            }
            if done < 0, errno == EINTR { continue }
            guard done >= 0 else { throw .io(errno, "cannot read what was written") }
            bytes.removeLast(count - done)
            return bytes
        }
    }

    // MARK: - The writer's side

    /// Begins to show a file; the descriptor stays the writer's own.
    ///
    /// When the process has no descriptor left, nothing is shown.
    package func show(_ descriptor: Int32) {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return end() }
        state.withLock { state in
            if state.descriptor < 0 {
                state.descriptor = copy
            } else {
                close(copy)
            }
        }
    }

    /// The file has so many bytes now.
    package func grow(to size: Int64) {
        let followers = state.withLock { state in
            state.size = size
            return state.followers
        }
        for follower in followers { follower.yield(size) }
    }

    /// Nothing more will come; may be said again.
    package func end() {
        let followers = state.withLock { state in
            state.isEnded = true
            defer { state.followers = [] }
            return state.followers
        }
        for follower in followers { follower.finish() }
    }
}
