import Glibc

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

private let patternBlock = (0..<251 * 4200).map { UInt8($0 % 251) }

/// Bytes of the test pattern, in which byte n is n modulo 251.
func pattern(from start: Int, count: Int) -> [UInt8] {
    let phase = start % 251
    return Array(patternBlock[phase..<phase + min(count, patternBlock.count - phase)])
        + (count > patternBlock.count - phase
            ? pattern(from: start + patternBlock.count - phase, count: count - patternBlock.count + phase) : [])
}
