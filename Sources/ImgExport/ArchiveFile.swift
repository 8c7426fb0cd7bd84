import ImgReport
import ImgStream
import Synchronization

/// A tar file being written, entry by entry, with fixed metadata (LAY-1 of local forms).
///
/// Blocks.
final class ArchiveFile: Sendable {
    private let file: DraftFile
    private let tar: Mutex<TarWriter>

    /// - Parameter path: `-` is standard output.
    init(path: String) throws(BuildError) {
        file = try DraftFile(path: path)
        tar = Mutex(TarWriter(into: DraftSink(file)))
    }

    func directory(_ name: String) throws(StreamError) {
        var header = TarHeader(path: Array(name.utf8), kind: .directory)
        header.mode = 0o755
        try tar.withLock { tar throws(StreamError) in try tar.append(header) }
    }

    /// Begins a file; exactly `size` bytes of content must follow.
    func begin(_ name: String, size: Int64) throws(StreamError) {
        var header = TarHeader(path: Array(name.utf8), kind: .file)
        header.mode = 0o644
        header.size = size
        try tar.withLock { tar throws(StreamError) in try tar.append(header) }
    }

    func content(_ bytes: [UInt8]) throws(StreamError) {
        try tar.withLock { tar throws(StreamError) in try tar.write(bytes.span) }
    }

    func finish() throws {
        try tar.withLock { tar throws(StreamError) in try tar.finish() }
        try file.commit()
    }
}

/// Passes the bytes of a tar on to its file.
private final class DraftSink: ByteSink {
    private let file: DraftFile

    init(_ file: DraftFile) {
        self.file = file
    }

    func write(_ bytes: Span<UInt8>) throws(StreamError) {
        do throws(BuildError) {
            try file.write(bytes)
        } catch {
            throw StreamError(.unsupported, error.description)
        }
    }
}
