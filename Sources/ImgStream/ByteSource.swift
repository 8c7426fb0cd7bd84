import Glibc
package import ImgOCI

/// Bytes that are pulled in order.
///
/// Blocks; called on pool threads only.
package protocol ByteSource: AnyObject {
    /// Fills the start of a buffer.
    ///
    /// - Returns: Number of bytes, at least 1; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int

    /// Passes over bytes without reading them.
    ///
    /// - Returns: How many, at most `count`; 0 where that costs as much as to read them.
    func skip(_ count: Int64) -> Int64
}

extension ByteSource {
    package func skip(_ count: Int64) -> Int64 { 0 }

    /// At most so many bytes; nothing at the end.
    package func readChunk(_ maximum: Int) throws(StreamError) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: maximum)
        var result: Result<Int, StreamError> = .success(0)
        unsafe chunk.withUnsafeMutableBytes { buffer in
            do throws(StreamError) { result = .success(unsafe try read(into: buffer)) } catch {
                result = .failure(error)
            }
        }
        chunk.removeLast(maximum - (try result.get()))
        return chunk
    }

    /// Everything to the end, for small contents.
    ///
    /// - Throws: `.tooLarge` when there are more than `limit` bytes.
    package func readAll(limit: Int) throws(StreamError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let chunk = try readChunk(64 << 10)
            if chunk.isEmpty { return bytes }
            bytes += chunk
            guard bytes.count <= limit else { throw StreamError(.tooLarge, "it is larger than \(limit) bytes") }
        }
    }

    /// Reads on to the end and drops everything.
    package func drain() throws(StreamError) {
        while try !readChunk(64 << 10).isEmpty {}
    }
}

/// Bytes at hand.
package final class BytesSource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let count = min(buffer.count, bytes.count - position)
        unsafe buffer.copyBytes(from: bytes[position..<(position + count)])
        position += count
        return count
    }
}

/// A file.
package final class FileSource: ByteSource {
    private let descriptor: Int32
    private var position: Int64 = 0

    private init(adopting descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    /// Opens a file for reading.
    ///
    /// - Parameter path: Raw bytes, as names need not be UTF-8.
    package static func open(_ path: [UInt8]) throws(StreamError) -> FileSource { try open(path, flags: 0) }

    private static func open(_ path: [UInt8], flags: Int32) throws(StreamError) -> FileSource {
        let name = path.map { CChar(bitPattern: $0) } + [0]
        let descriptor = unsafe name.withUnsafeBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe Glibc.open($0, O_RDONLY | O_CLOEXEC | flags) } ?? -1
        }
        guard descriptor >= 0 else { throw .io(errno, "cannot open \(String(decoding: path, as: UTF8.self))") }
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        return FileSource(adopting: descriptor)
    }

    /// Opens a regular file that was found before, by its own name: one that took its place, perhaps behind a link, is
    /// not read.
    ///
    /// - Parameters:
    ///   - path: Raw bytes.
    ///   - device: As `stat(2)` said when it was found, like the others.
    ///   - changed: When its content or metadata changed last.
    /// - Throws: ``StreamError`` `.corrupt` when it is another file by now.
    package static func open(
        _ path: [UInt8],
        device: UInt64,
        inode: UInt64,
        changed: Timestamp
    ) throws(StreamError) -> FileSource {
        // Nobody may ever write to a pipe.
        let source = try open(path, flags: O_NOFOLLOW | O_NONBLOCK)
        var status = stat()
        guard unsafe fstat(source.descriptor, &status) == 0 else {
            throw .io(errno, "cannot examine \(String(decoding: path, as: UTF8.self))")
        }
        // Some file systems of the network number files anew when they were not used for a while; nobody can choose the
        // time of change.
        let isSame =
            UInt64(status.st_ino) == inode
            || (Int64(status.st_ctim.tv_sec) == changed.seconds
                && Int64(status.st_ctim.tv_nsec) == Int64(changed.nanoseconds))
        guard status.st_mode & S_IFMT == S_IFREG, UInt64(status.st_dev) == device, isSame else {
            throw StreamError(.corrupt, "it was replaced while the build ran; build again")
        }
        return source
    }

    package static func open(_ path: String) throws(StreamError) -> FileSource { try open(Array(path.utf8)) }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        while true {
            let count = unsafe pread(descriptor, base, buffer.count, off_t(position))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .io(errno, "cannot read") }
            position += Int64(count)
            return count
        }
    }
}

/// Counts and hashes what passes, to be compared with a descriptor at the end.
package final class VerifyingSource: ByteSource {
    private let source: any ByteSource
    private let check: DigestCheck
    /// Bytes so far.
    package private(set) var count: Int64 = 0
    private let expected: Expectation

    /// What the whole must be.
    package struct Expectation: Sendable {
        package var digest: Digest
        package var size: Int64

        package init(digest: Digest, size: Int64) {
            self.digest = digest
            self.size = size
        }
    }

    package init(_ source: any ByteSource, expecting expected: Expectation) {
        self.source = source
        self.expected = expected
        check = DigestCheck(expected.digest.algorithm)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let read = unsafe try source.read(into: buffer)
        count += Int64(read)
        guard count <= expected.size else {
            throw StreamError(.corrupt, "more than the \(expected.size) bytes that were announced")
        }
        unsafe check.update(UnsafeRawBufferPointer(rebasing: buffer[..<read]))
        return read
    }

    /// Reads what is left and compares.
    package func finish() throws(StreamError) {
        try drain()
        guard count == expected.size else {
            throw StreamError(.corrupt, "\(count) bytes instead of the \(expected.size) that were announced")
        }
        guard check.matches(expected.digest) else {
            throw StreamError(.corrupt, "the content does not have the digest \(expected.digest)")
        }
    }
}
