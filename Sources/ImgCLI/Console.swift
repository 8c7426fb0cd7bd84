import Glibc
import ImgBuilder
import ImgTasks
import Synchronization

/// One of the process's output streams, written a line at a time from any thread.
final class Console: Sendable {
    static let standardOutput = Console(descriptor: STDOUT_FILENO)
    static let standardError = Console(descriptor: STDERR_FILENO)

    private let descriptor: Int32
    /// The line under everything else that is written anew; nil when there is none.
    private let status = Mutex<String?>(nil)
    /// Why something could not be written; nil as long as all was.
    private let failed = Mutex<Int32?>(nil)

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Writes lines whole, each cleaned by ``TerminalText``.
    func print(_ lines: [String]) { printAsTheyAre(lines.map(TerminalText.line)) }

    /// For lines that are meant to be commands.
    func printAsTheyAre(_ lines: [String]) { write(Array(lines.map { $0 + "\n" }.joined().utf8)) }

    /// Why something could not be written; a reader that has seen enough and left is none.
    var failure: String? {
        guard let code = failed.withLock({ $0 }), code != EPIPE else { return nil }
        return unsafe String(cString: strerror(code))
    }

    /// A closed pipe is not an error of the build.
    func write(_ bytes: [UInt8]) {
        status.withLock { status in
            guard let line = status else { return put(bytes) }
            put(Array(Self.clearing.utf8) + bytes + Array(line.utf8))
        }
    }

    private static let clearing = "\r\u{1b}[2K"

    /// Shows a line below everything else until it is replaced; for terminals only.
    func show(_ text: String?) {
        let line = text.map { String($0.prefix(max(1, columns - 1))) }
        status.withLock { status in
            guard line != status else { return }
            put(Array((Self.clearing + (line ?? "")).utf8))
            status = line
        }
    }

    var isTerminal: Bool {
        isatty(descriptor) == 1 && BuilderEnvironment.current.variables["TERM"] != "dumb"
    }

    private var columns: Int {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    private func put(_ bytes: [UInt8]) {
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
            if count < 0, errno == EAGAIN {
                DescriptorWait.forRoom(descriptor)
                continue
            }
            guard count > 0 else {
                failed.withLock { $0 = errno }
                return
            }
            written += count
        }
    }
}
