/// A content digest such as `sha256:44136f…`, checked once when it is parsed.
///
/// - SeeAlso: <https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests>
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The hash functions that are trusted; others are refused (REF-4, SEC-13).
    public enum Algorithm: String, Sendable, Hashable {
        case sha256
        case sha512

        /// The length of the hexadecimal part in characters.
        package var hexLength: Int { self == .sha256 ? 64 : 128 }
    }

    /// The hash function.
    public let algorithm: Algorithm
    /// Lower-case hexadecimal, 64 or 128 characters.
    public let hex: String

    /// Parses `algorithm:hex`.
    /// - Throws: ``DigestError`` when the algorithm is unknown or the hexadecimal part is malformed.
    public init(parsing text: String) throws(DigestError) {
        let bytes = text.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { throw .malformed(text) }
        guard let algorithm = Algorithm(rawValue: String(text[..<colon])) else { throw .unsupportedAlgorithm(text) }
        let hex = bytes[bytes.index(after: colon)...]
        guard hex.count == algorithm.hexLength else { throw .invalidLength(text) }
        guard hex.allSatisfy(\.isLowerHex) else { throw .malformed(text) }
        self.algorithm = algorithm
        self.hex = String(text[bytes.index(after: colon)...])
    }

    /// Adopts a raw SHA-256 value of 32 bytes.
    package init(sha256 bytes: some Sequence<UInt8>) {
        self.algorithm = .sha256
        self.hex = Hex.encode(bytes)
    }

    /// `algorithm:hex`.
    public var description: String { "\(algorithm.rawValue):\(hex)" }

    /// Twelve hexadecimal digits, for people.
    package var short: String { String(hex.prefix(12)) }

    /// Orders by algorithm, then by value.
    public static func < (left: Digest, right: Digest) -> Bool {
        left.algorithm == right.algorithm ? left.hex < right.hex : left.algorithm.rawValue < right.algorithm.rawValue
    }
}

/// Why a text is not a digest.
public enum DigestError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(String)
    case unsupportedAlgorithm(String)
    case invalidLength(String)

    /// One sentence that quotes the text.
    public var description: String {
        switch self {
        case .malformed(let text): "invalid digest \"\(text)\""
        case .unsupportedAlgorithm(let text):
            "unsupported digest algorithm in \"\(text)\"; sha256 and sha512 are supported"
        case .invalidLength(let text): "invalid digest length in \"\(text)\""
        }
    }
}

/// Hexadecimal text.
package enum Hex {
    /// Lower-case hexadecimal of the bytes.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let digits: [UInt8] = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.underestimatedCount * 2)
        for byte in bytes {
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The bytes, or nil when the text is not an even number of hexadecimal digits.
    package static func decode(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index].hexValue, let low = digits[index + 1].hexValue else { return nil }
            out.append(high << 4 | low)
        }
        return out
    }
}

extension UInt8 {
    var isLowerHex: Bool { (0x30...0x39).contains(self) || (0x61...0x66).contains(self) }

    package var hexValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x61...0x66: self - 0x61 + 10
        case 0x41...0x46: self - 0x41 + 10
        default: nil
        }
    }
}
