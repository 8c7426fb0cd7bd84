import Glibc

/// An open regular file that any number of readers read from any place.
package final class StoredFile: Sendable {
    private let descriptor: Int32

    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    /// Opens a file for reading.
    package static func open(_ path: String, followsLinks: Bool = true) throws(StreamError) -> StoredFile {
        // Nobody may ever write to a pipe.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followsLinks ? 0 : O_NOFOLLOW)
        let descriptor = unsafe Glibc.open(path, flags)
        guard descriptor >= 0 else { throw .io(errno, "cannot open \(path)") }
        let file = StoredFile(adopting: descriptor)
        guard file.status.st_mode & S_IFMT == S_IFREG else {
            throw StreamError(.unsupported, "\(path) is no regular file")
        }
        return file
    }

    private var status: stat {
        var status = stat()
        _ = unsafe fstat(descriptor, &status)
        return status
    }

    /// The whole file as it is now.
    package var whole: FilePart { FilePart(file: self, offset: 0, size: Int64(status.st_size)) }

    /// Reads from any place.
    ///
    /// - Returns: Number of bytes, 0 at the end.
    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        guard let base = buffer.baseAddress, buffer.count > 0 else { return 0 }
        while true {
            let status = unsafe pread(descriptor, base, buffer.count, off_t(offset))
            if status >= 0 { return status }
            guard errno == EINTR else { throw .io(errno, "cannot read") }
        }
    }
}

/// A stretch of a file.
package struct FilePart: Sendable {
    private let file: StoredFile
    private let offset: Int64
    package let size: Int64

    package init(file: StoredFile, offset: Int64, size: Int64) {
        self.file = file
        self.offset = offset
        self.size = size
    }

    fileprivate func read(at position: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let count = Int(min(Int64(buffer.count), size - position))
        guard count > 0 else { return 0 }
        return unsafe try file.read(
            at: offset + position,
            into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        )
    }

    /// At most so many bytes from a place of the stretch; none at its end.
    package func chunk(at position: Int64, _ maximum: Int) throws(StreamError) -> [UInt8] {
        try PartSource(self, from: position).readChunk(maximum)
    }

    /// Its bytes from the first to the last.
    package var source: any ByteSource { PartSource(self) }
}

/// Reads a stretch of a file in order.
private final class PartSource: ByteSource {
    private let part: FilePart
    private var position: Int64

    init(_ part: FilePart, from position: Int64 = 0) {
        self.part = part
        self.position = position
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let count = unsafe try part.read(at: position, into: buffer)
        position += Int64(count)
        return count
    }

    func skip(_ count: Int64) -> Int64 {
        let skipped = min(count, part.size - position)
        position += skipped
        return skipped
    }
}
