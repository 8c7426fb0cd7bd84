import Glibc
import ImgReport
import ImgTasks

/// Questions to the person at the terminal, asked before any work begins.
enum Prompt {
    /// Everything on standard input, less one line end (LOG-1).
    static func wholeInput(limit: Int = 1 << 20) throws -> String {
        var bytes: [UInt8] = []
        while let chunk = try readInput(64 << 10) {
            bytes += chunk
            guard bytes.count <= limit else { throw BuildError(.usage, "standard input is too long for a password") }
        }
        if bytes.last == 0x0a { bytes.removeLast() }
        if bytes.last == 0x0d { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// One line of text.
    ///
    /// The terminal's own echo, editing and signals are off meanwhile, so that an interrupt ends the question at once and
    /// never leaves the terminal without echo.
    static func ask(_ question: String, isSecret: Bool = false) throws -> String {
        try demandTerminal(question)
        var saved = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &saved) == 0 else {
            throw BuildError("cannot use the terminal: \(unsafe String(cString: strerror(errno)))")
        }
        var quiet = saved
        quiet.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet)
        defer {
            _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved)
            Console.standardError.write([0x0a])
        }
        Console.standardError.write(Array("\(question): ".utf8))
        var bytes: [UInt8] = []
        while let byte = try readInput(1)?.first {
            switch byte {
            case 0x0a, 0x0d, 0x04: return String(decoding: bytes, as: UTF8.self)
            case 0x03: throw BuildError(.interrupted, "interrupted")
            case 0x08, 0x7f:
                guard removeLastScalar(&bytes), !isSecret else { continue }
                Console.standardError.write(Array("\u{8} \u{8}".utf8))
            case 0x15 where isSecret: bytes = []
            case 0..<0x20: continue
            default:
                bytes.append(byte)
                if !isSecret { Console.standardError.write([byte]) }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func demandTerminal(_ question: String) throws {
        guard isatty(STDIN_FILENO) == 1 else {
            throw BuildError(
                .usage,
                "cannot ask for the \(question.lowercased()): standard input is no terminal",
                hints: ["give -u USER --password-stdin and pipe the password in"]
            )
        }
    }

    /// Whether there was one.
    private static func removeLastScalar(_ bytes: inout [UInt8]) -> Bool {
        guard !bytes.isEmpty else { return false }
        while let byte = bytes.popLast(), byte & 0xc0 == 0x80 {}
        return true
    }

    /// Nil at the end.
    private static func readInput(_ count: Int) throws -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: count)
        while true {
            guard DescriptorWait.forInput(STDIN_FILENO) else { throw BuildError(.interrupted, "interrupted") }
            let got = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR || errno == EAGAIN { continue }
            guard got >= 0 else {
                throw BuildError("cannot read standard input: \(unsafe String(cString: strerror(errno)))")
            }
            return got == 0 ? nil : Array(chunk.prefix(got))
        }
    }
}
