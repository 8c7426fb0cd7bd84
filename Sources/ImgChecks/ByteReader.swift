/// Bounds-checked integers out of a buffer in either byte order; nil beyond the end.
struct ByteReader {
    let bytes: ArraySlice<UInt8>
    let isLittleEndian: Bool

    func integer(at offset: UInt64, width: Int) -> UInt64? {
        guard offset <= UInt64(bytes.count), bytes.count - Int(offset) >= width else { return nil }
        let start = bytes.startIndex + Int(offset)
        var value: UInt64 = 0
        for place in 0..<width {
            value = value << 8 | UInt64(bytes[isLittleEndian ? start + width - 1 - place : start + place])
        }
        return value
    }

    /// The bytes up to the next zero.
    func text(at offset: UInt64, limit: Int = 4096) -> String? {
        guard offset < UInt64(bytes.count) else { return nil }
        let tail = bytes[(bytes.startIndex + Int(offset))...].prefix(limit)
        guard let end = tail.firstIndex(of: 0) else { return nil }
        return String(decoding: tail[..<end], as: UTF8.self)
    }
}
