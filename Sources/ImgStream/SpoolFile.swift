import Glibc
import Synchronization

/// A temporary file without a name: it takes bytes at its end and vanishes with its last user.
package final class SpoolFile: Sendable, Hashable {
    private let descriptor: Int32
    private let file: StoredFile
    private let length = Mutex<Int64>(0)

    private static let made = Atomic<UInt64>(0)
    /// No other file of this process has it, now or later.
    package let number = made.wrappingAdd(1, ordering: .relaxed).newValue

    private init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        file = StoredFile(adopting: descriptor)
    }

    /// Makes an empty file.
    ///
    /// - Parameter directory: Where there is room, such as the store's own temporary directory.
    package static func create(in directory: String) throws(StreamError) -> SpoolFile {
        for _ in 0..<8 {
            let path = "\(directory)/imgbuild-\(UInt64.random(in: 0...UInt64.max)).spool"
            let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor >= 0 {
                _ = unsafe unlink(path)
                return SpoolFile(adopting: descriptor)
            }
            guard errno == EEXIST else { break }
        }
        throw .io(errno, "cannot make a temporary file in \(directory)")
    }

    /// Bytes written so far.
    package var size: Int64 { length.withLock { $0 } }

    /// Writes at the end; one writer at a time.
    package func append(_ bytes: Span<UInt8>) throws(StreamError) {
        var written = 0
        var offset = size
        while written < bytes.count {
            let status = unsafe bytes.withUnsafeBufferPointer { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return unsafe pwrite(descriptor, base + written, buffer.count - written, off_t(offset))
            }
            if status < 0, errno == EINTR { continue }
            guard status > 0 else { throw .io(errno, "cannot write a temporary file") }
            written += status
            offset += Int64(status)
        }
        length.withLock { $0 = offset }
    }

    /// Writes the content of a tar's current entry at the end.
    package func append(contentOf reader: TarReader) throws(StreamError) -> Piece {
        let offset = size
        while true {
            try StreamError.checkCancellation()
            let chunk = try reader.readChunk(256 << 10)
            if chunk.isEmpty { break }
            try append(chunk.span)
        }
        return Piece(offset: offset, size: size - offset)
    }

    /// Where something lies in the file.
    package struct Piece: Sendable, Hashable {
        package var offset: Int64
        package var size: Int64

        package init(offset: Int64, size: Int64) {
            self.offset = offset
            self.size = size
        }
    }

    /// A stretch of the file, which stays as long as that is used.
    package func part(_ piece: Piece) -> FilePart { FilePart(file: file, offset: piece.offset, size: piece.size) }

    /// A stretch as a whole; for small ones.
    ///
    /// - Throws: ``StreamError`` `.corrupt` when the file ends before.
    package func bytes(at offset: Int64, count: Int) throws(StreamError) -> [UInt8] {
        let source = part(Piece(offset: offset, size: Int64(count))).source
        var bytes: [UInt8] = []
        while bytes.count < count {
            let chunk = try source.readChunk(count - bytes.count)
            if chunk.isEmpty { throw StreamError(.corrupt, "a temporary file is shorter than expected") }
            bytes += chunk
        }
        return bytes
    }

    package static func == (left: SpoolFile, right: SpoolFile) -> Bool { left === right }

    package func hash(into hasher: inout Hasher) { hasher.combine(number) }
}
