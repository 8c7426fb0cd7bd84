import Glibc
import ImgReport

/// Small files for other programs.
enum FileWriting {
    /// Writes a whole file; a reader sees the old or the new content, never a part.
    static func replace(_ path: String, with bytes: [UInt8]) throws {
        let draft = "\(path).\(getpid()).tmp"
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(path) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress.map { unsafe $0 + written }, buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure(path)
                close(descriptor)
                unsafe unlink(draft)
                throw error
            }
            written += count
        }
        close(descriptor)
        guard unsafe rename(draft, path) == 0 else {
            let error = failure(path)
            unsafe unlink(draft)
            throw error
        }
    }

    private static func failure(_ path: String) -> BuildError {
        BuildError("cannot write \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
