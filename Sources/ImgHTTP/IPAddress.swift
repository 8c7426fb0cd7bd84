import Glibc

/// A literal address of version 4 or 6.
package struct IPAddress: Hashable, Sendable {
    /// 4 or 16 bytes in network order.
    package let bytes: [UInt8]

    /// 4 or 16 bytes in network order.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Reads dotted decimal or IPv6 text without brackets.
    package init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            bytes = unsafe withUnsafeBytes(of: &four) { unsafe Array($0) }
        } else if unsafe inet_pton(AF_INET6, text, &six) == 1 {
            bytes = unsafe withUnsafeBytes(of: &six) { unsafe Array($0) }
        } else {
            return nil
        }
    }

    /// Reads a URL's host as resolvers do, who also take `127.1`, `0x7f000001` and `2130706433` for addresses.
    package init?(host: String) {
        var trimmed = Substring(host)
        if trimmed.hasPrefix("[") && trimmed.hasSuffix("]") { trimmed = trimmed.dropFirst().dropLast() }
        if trimmed.hasSuffix(".") { trimmed = trimmed.dropLast() }
        if let address = IPAddress(String(trimmed)) {
            self = address
            return
        }
        var four = in_addr()
        guard let first = trimmed.utf8.first, ASCII.isDigit(first), unsafe inet_aton(String(trimmed), &four) != 0 else {
            return nil
        }
        bytes = unsafe withUnsafeBytes(of: &four) { unsafe Array($0) }
    }

    /// As people write it.
    package var text: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let length = socklen_t(text.count)
        guard unsafe inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes, &text, length) != nil else { return "?" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package var isIPv6: Bool { bytes.count == 16 }

    /// The address itself, or the version 4 address inside a mapped version 6 one.
    private var unmapped: [UInt8] {
        bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            ? Array(bytes[12...]) : bytes
    }

    /// The version 4 address that a version 6 one leads to by translation or a tunnel: `64:ff9b::/96`, `::/96`,
    /// `2002::/16`; nil for all others.
    package var embedded: IPAddress? {
        guard isIPv6, !isUnspecified, !isLoopback else { return nil }
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B] + Array(repeating: 0, count: 8)) {
            return IPAddress(bytes: Array(bytes[12...]))
        }
        if bytes[..<12].allSatisfy({ $0 == 0 }) { return IPAddress(bytes: Array(bytes[12...])) }
        return bytes.starts(with: [0x20, 0x02]) ? IPAddress(bytes: Array(bytes[2..<6])) : nil
    }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        let bytes = unmapped
        return bytes.count == 4 ? bytes[0] == 127 : bytes == Array(repeating: 0, count: 15) + [1]
    }

    /// 169.254.0.0/16, fe80::/10, or the metadata services of fd00:ec2::/32.
    package var isLinkLocal: Bool {
        let bytes = unmapped
        if bytes.count == 4 { return bytes[0] == 169 && bytes[1] == 254 }
        return bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 || bytes[..<4].elementsEqual([0xFD, 0x00, 0x0E, 0xC2])
    }

    /// RFC 1918, what carriers and clouds share (100.64.0.0/10), or fc00::/7.
    package var isPrivate: Bool {
        let bytes = unmapped
        if bytes.count == 16 { return bytes[0] & 0xFE == 0xFC }
        if bytes[0] == 100 { return bytes[1] & 0xC0 == 64 }
        return bytes[0] == 10 || bytes[0] == 172 && bytes[1] & 0xF0 == 16 || bytes[0] == 192 && bytes[1] == 168
    }

    /// 0.0.0.0/8 or ::.
    package var isUnspecified: Bool {
        let bytes = unmapped
        return bytes.count == 4 ? bytes[0] == 0 : bytes.allSatisfy { $0 == 0 }
    }

    package var isMulticast: Bool {
        let bytes = unmapped
        return bytes.count == 4 ? bytes[0] & 0xF0 == 0xE0 : bytes[0] == 0xFF
    }

    /// Whether the first `length` bits are those of `prefix`.
    package func isIn(_ prefix: IPAddress, length: Int) -> Bool {
        let own = unmapped
        let other = prefix.bytes
        guard own.count == other.count, (0...own.count * 8).contains(length) else { return false }
        let whole = length / 8
        guard own[..<whole] == other[..<whole] else { return false }
        let bits = length % 8
        guard bits > 0 else { return true }
        let mask = ~(UInt8(0xFF) >> bits)
        return own[whole] & mask == other[whole] & mask
    }
}
