import Glibc
import ImgBuilder
import Synchronization

/// One of the process's output streams, written a line at a time from any thread.
final class Console: Sendable {
    static let standardOutput = Console(descriptor: STDOUT_FILENO)
    static let standardError = Console(descriptor: STDERR_FILENO)

    private let descriptor: Int32
    /// Why something could not be written; nil as long as all was.
    private let failed = Mutex<Int32?>(nil)

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Writes lines whole; a closed pipe is not an error of the build.
    func print(_ lines: [String]) {
        write(Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// Why something could not be written; a reader that has seen enough and left is none.
    var failure: String? {
        guard let code = failed.withLock({ $0 }), code != EPIPE else { return nil }
        return unsafe String(cString: strerror(code))
    }

    func write(_ bytes: [UInt8]) {
        failed.withLock { failed in
            var written = 0
            while written < bytes.count {
                let count = unsafe bytes.withUnsafeBytes { buffer in
                    unsafe Glibc.write(
                        descriptor,
                        buffer.baseAddress.map { unsafe $0 + written },
                        buffer.count - written
                    )
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    failed = errno
                    return
                }
                written += count
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }
}
