/// Lines that give a name a value, whatever the format around them: shells, INI, YAML, JSON with a line for each member.
enum Assignments {
    /// Longer names are none.
    private static let longestName = 128

    static func read(_ text: [UInt8], _ separator: Character) -> [(key: String, value: String)] {
        guard let separator = separator.asciiValue else { return [] }
        return text.split { $0 == 0x0a || $0 == 0x0d }
            .compactMap { line in
                let line = trimmed(line)
                guard line.first != UInt8(ascii: "#"), line.first != UInt8(ascii: ";"),
                    let place = line.firstIndex(of: separator), place - line.startIndex <= longestName
                else { return nil }
                let value = value(trimmed(line[(place + 1)...]))
                return (name(trimmed(line[..<place])), String(decoding: value, as: UTF8.self))
            }
    }

    /// Without what shells, YAML and JSON put before and around it.
    private static func name(_ text: ArraySlice<UInt8>) -> String {
        var text = text
        for prefix in ["export ", "- "] where text.starts(with: prefix.utf8) {
            text = trimmed(text.dropFirst(prefix.utf8.count))
        }
        if let first = text.first, first.isQuote, text.count > 1, text.last == first {
            text = text.dropFirst().dropLast()
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// What is between quotes, else everything up to a comment.
    private static func value(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        if let first = text.first, first.isQuote { return text.dropFirst().prefix { $0 != first } }
        let comment = Array(" #".utf8)
        return trimmed(text[..<(text.place(of: comment) ?? text.endIndex)])
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text.drop { $0 <= 0x20 }
        while let last = text.last, last <= 0x20 { text.removeLast() }
        return text
    }
}

extension UInt8 {
    fileprivate var isQuote: Bool { self == UInt8(ascii: "\"") || self == UInt8(ascii: "'") }
}
