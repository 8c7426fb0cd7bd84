/// Writes variable-length integers and byte strings behind a magic, and a checksum at the end.
struct ByteEncoder {
    private var out: [UInt8]

    init(_ magic: [UInt8]) {
        out = magic
    }

    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(rest))
    }

    /// Zigzag, so that small negative numbers are short.
    mutating func signed(_ value: Int64) {
        number(UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    mutating func bytes(_ value: some Collection<UInt8>) {
        number(UInt64(value.count))
        out.append(contentsOf: value)
    }

    /// A path as the number of bytes it shares with the one before, and the rest.
    mutating func path(_ path: ArraySlice<UInt8>, after previous: ArraySlice<UInt8>) {
        var shared = 0
        for (own, other) in zip(path, previous) {
            guard own == other else { break }
            shared += 1
        }
        number(UInt64(shared))
        bytes(path.dropFirst(shared))
    }

    consuming func finish() -> [UInt8] {
        var sum = Checksum.of(out[...])
        for _ in 0..<8 {
            out.append(UInt8(truncatingIfNeeded: sum))
            sum >>= 8
        }
        return out
    }
}

/// Reads what ``ByteEncoder`` writes; refuses everything else.
struct ByteDecoder {
    private let input: [UInt8]
    private var position: Int
    private let end: Int

    init(_ input: [UInt8], magic: [UInt8]) throws(TreeError) {
        guard input.count >= magic.count + 8, input.starts(with: magic) else { throw .corruptIndex("unknown format") }
        self.input = input
        position = magic.count
        end = input.count - 8
        var sum: UInt64 = 0
        for byte in input[end...].reversed() { sum = sum << 8 | UInt64(byte) }
        guard sum == Checksum.of(input[..<end]) else { throw .corruptIndex("checksum differs") }
    }

    var remaining: Int { end - position }

    mutating func number() throws(TreeError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end, shift < 64 {
            let byte = input[position]
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw .corruptIndex("truncated number")
    }

    mutating func signed() throws(TreeError) -> Int64 {
        let value = try number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func word() throws(TreeError) -> UInt32 {
        guard let value = UInt32(exactly: try number()) else { throw .corruptIndex("number out of range") }
        return value
    }

    mutating func count(limit: Int) throws(TreeError) -> Int {
        guard let value = Int(exactly: try number()), value <= limit else { throw .corruptIndex("count out of range") }
        return value
    }

    mutating func bytes() throws(TreeError) -> [UInt8] {
        let length = try count(limit: remaining)
        defer { position += length }
        return Array(input[position..<position + length])
    }

    mutating func path(after previous: inout [UInt8]) throws(TreeError) {
        let shared = try count(limit: previous.count)
        let length = try count(limit: remaining)
        previous.removeSubrange(shared...)
        previous.append(contentsOf: input[position..<position + length])
        position += length
    }

    func finish() throws(TreeError) {
        guard position == end else { throw .corruptIndex("trailing bytes") }
    }
}

/// FNV-1a over 64 bits: against damage, not against malice.
enum Checksum {
    static func of(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var sum: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes {
            sum ^= UInt64(byte)
            sum &*= 0x100_0000_01b3
        }
        return sum
    }
}
