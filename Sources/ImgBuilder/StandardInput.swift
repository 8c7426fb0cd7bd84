import Glibc
import ImgReport
import ImgStream
import ImgTasks
import Synchronization

/// Standard input, with a look at its first bytes.
final class PeekingInput: ByteSource, Sendable {
    private let head = Mutex<[UInt8]>([])

    /// Up to `count` bytes without consuming them.
    func peek(_ count: Int) throws(StreamError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let chunk = try readChunk(count - bytes.count)
            if chunk.isEmpty { break }
            bytes += chunk
        }
        head.withLock { $0 = bytes }
        return bytes
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let held = head.withLock { held in
            let part = Array(held.prefix(buffer.count))
            held.removeFirst(part.count)
            return part
        }
        if !held.isEmpty {
            unsafe buffer.copyBytes(from: held)
            return held.count
        }
        while true {
            guard DescriptorWait.forInput(STDIN_FILENO) else { throw StreamError(.cancelled, "interrupted") }
            let count = unsafe Glibc.read(STDIN_FILENO, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count >= 0 else { throw .io(errno, "cannot read standard input") }
            return count
        }
    }
}
