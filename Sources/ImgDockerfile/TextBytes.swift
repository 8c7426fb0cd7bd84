/// Reading UTF-8 bytes one scalar at a time.
///
/// Text is never looked at as `Character`s, which would join CR LF and combining marks (NOTE-1).
enum TextBytes {
    static let replacement: UInt32 = 0xfffd

    /// The scalar at an offset and its length in bytes; a malformed byte counts as one U+FFFD.
    static func scalar(in bytes: some RandomAccessCollection<UInt8>, at offset: Int) -> (value: UInt32, length: Int) {
        func byte(_ distance: Int) -> UInt32 {
            let place = offset + distance
            guard place < bytes.count else { return 0 }
            return UInt32(bytes[bytes.index(bytes.startIndex, offsetBy: place)])
        }
        let first = byte(0)
        if first < 0x80 { return (first, 1) }
        let length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
        guard (0xc2...0xf4).contains(first) else { return (replacement, 1) }
        var value = first & (0x7f >> UInt32(length))
        for distance in 1..<length {
            let next = byte(distance)
            guard next & 0xc0 == 0x80 else { return (replacement, 1) }
            value = value << 6 | next & 0x3f
        }
        let minimum: UInt32 = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80
        guard value >= minimum, value <= 0x10ffff, !(0xd800...0xdfff).contains(value) else { return (replacement, 1) }
        return (value, length)
    }

    /// Unicode White_Space ("uspace").
    static func isSpace(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x09...0x0d, 0x20, 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000: true
        default: false
        }
    }

    /// The blanks that separate arguments ("aspace"): newline is not one of them.
    static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0b || byte == 0x0c || byte == 0x0d
    }

    /// Without leading uspace.
    static func trimmedStart(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        while !rest.isEmpty {
            let (value, length) = scalar(in: rest, at: 0)
            guard isSpace(value) else { break }
            rest = rest.dropFirst(length)
        }
        return rest
    }

    /// Without uspace at either end.
    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = trimmedStart(bytes)
        while let last = rest.last {
            var length = 1
            while length < 4, length < rest.count, rest[rest.endIndex - length] & 0xc0 == 0x80 { length += 1 }
            let (value, read) = scalar(in: rest.suffix(length), at: 0)
            if read == length, isSpace(value) {
                rest = rest.dropLast(length)
            } else if last < 0x80, isSpace(UInt32(last)) {
                rest = rest.dropLast()
            } else {
                break
            }
        }
        return rest
    }

    static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> { trimmed(bytes[...]) }

    /// Malformed bytes become U+FFFD.
    static func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }
}
