extension BidirectionalCollection<UInt8> {
    /// Without blanks, tabs and line ends at either end.
    func trimmingSpace() -> SubSequence {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return self[startIndex..<startIndex]
        }
        return self[first...last]
    }
}

extension StringProtocol {
    /// Without blanks, tabs and line ends at either end.
    func trimmed() -> String { String(decoding: Array(utf8).trimmingSpace(), as: UTF8.self) }
}

/// Text that a server or a program sent, made fit for a message (SEC-9).
enum ForeignText {
    /// One line without control characters, at most 400 characters.
    static func line(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: " "
            default: scalar
            }
        }
        let words = String(String.UnicodeScalarView(scalars)).split(separator: " ").joined(separator: " ")
        return words.count <= 400 ? words : words.prefix(400) + "…"
    }

    /// The lines that hold anything, cleaned, at most `limit` of them.
    static func lines(_ text: String, limit: Int = 8) -> [String] {
        text.split(whereSeparator: \.isNewline).map { line(String($0)) }.filter { !$0.isEmpty }.suffix(limit)
            .map(\.self)
    }
}
