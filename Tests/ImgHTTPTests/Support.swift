import Glibc
import Synchronization

/// Sleeps on the calling thread.
func pause(milliseconds: UInt32) {
    usleep(milliseconds * 1000)
}

/// Values gathered from other threads.
final class Collected<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    func append(_ value: Value) {
        values.withLock { $0.append(value) }
    }

    var all: [Value] { values.withLock { $0 } }

    /// The first value, waiting up to five seconds for it.
    func first() async throws -> Value? {
        for _ in 0..<500 {
            if let first = all.first { return first }
            try await Task.sleep(for: .milliseconds(10))
        }
        return nil
    }
}

/// Polls a condition for up to five seconds.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<500 {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return condition()
}

/// Resident memory of this process in bytes.
func residentBytes() -> Int {
    let file = unsafe open("/proc/self/statm", O_RDONLY)
    guard file >= 0 else { return 0 }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 128)
    let count = unsafe read(file, &bytes, bytes.count)
    let words = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
    return words.count > 1 ? (Int(words[1]) ?? 0) * 4096 : 0
}

/// A file that is removed with its last reference.
final class TemporaryFile: Sendable {
    let path: String

    /// Writes a file of `size` bytes whose byte n is n modulo 251.
    init(size: Int) throws {
        var template = Array("/tmp/imgbuild-http-XXXXXX".utf8CString)
        let file = unsafe mkstemp(&template)
        guard file >= 0 else { throw SystemFailure(code: errno) }
        defer { close(file) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var written = 0
        while written < size {
            let bytes = pattern(from: written, count: min(size - written, 1 << 20))
            let count = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
            guard count == bytes.count else { throw SystemFailure(code: errno) }
            written += count
        }
    }

    deinit {
        unsafe unlink(path)
    }
}

struct SystemFailure: Error {
    let code: Int32
}

private let patternBlock = (0..<251 * 4200).map { UInt8($0 % 251) }

/// Bytes of the test pattern, in which byte n is n modulo 251.
func pattern(from start: Int, count: Int) -> [UInt8] {
    let phase = start % 251
    return Array(patternBlock[phase..<phase + min(count, patternBlock.count - phase)])
        + (count > patternBlock.count - phase
            ? pattern(from: start + patternBlock.count - phase, count: count - patternBlock.count + phase) : [])
}
