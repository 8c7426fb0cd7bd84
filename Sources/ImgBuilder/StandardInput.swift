import Glibc
import ImgReport
import ImgStream
import Synchronization

/// Standard input, with a look at its first bytes.
final class PeekingInput: ByteSource, Sendable {
    private let head = Mutex<[UInt8]>([])

    /// Up to `count` bytes without consuming them.
    func peek(_ count: Int) throws(StreamError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let chunk = try Self.readSome(count - bytes.count)
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
            let count = unsafe Glibc.read(STDIN_FILENO, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .io(errno, "cannot read standard input") }
            return count
        }
    }

    private static func readSome(_ count: Int) throws(StreamError) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: count)
        while true {
            let read = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if read < 0, errno == EINTR { continue }
            guard read >= 0 else { throw .io(errno, "cannot read standard input") }
            chunk.removeLast(count - read)
            return chunk
        }
    }
}
