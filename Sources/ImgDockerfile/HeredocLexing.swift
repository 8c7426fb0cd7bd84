/// Finds `<<NAME` in a line (HD-2…HD-5); `\` is the escape token whatever the file says.
struct HeredocLexing {
    /// What stands in the line.
    struct Mark: Sendable, Hashable {
        var name: [UInt8]
        var expands: Bool
        /// `<<-`: leading tabs are removed.
        var stripsTabs: Bool
        var fileDescriptor: Int
    }

    /// The marks of a logical line in order; none when its quotes aren't balanced (HD-4).
    static func marks(in line: [UInt8]) -> [Mark] {
        guard line.contains(UInt8(ascii: "<")), let words = shellWords(line[...]) else { return [] }
        var marks: [Mark] = []
        var position = 0
        while position < words.count {
            var word = words[position]
            position += 1
            if isBareOperator(word), position < words.count {
                word += words[position]
                if mark(word) != nil { position += 1 }
            }
            if let mark = mark(word[...]) { marks.append(mark) }
        }
        return marks
    }

    /// The mark that a word is, if it is one.
    static func mark(_ word: some Collection<UInt8>) -> Mark? {
        let digits = word.prefix { (0x30...0x39).contains($0) }
        var rest = Array(word.dropFirst(digits.count))[...]
        guard rest.starts(with: "<<".utf8) else { return nil }
        rest = rest.dropFirst(2)
        let stripsTabs = rest.first == UInt8(ascii: "-")
        if stripsTabs { rest = rest.dropFirst() }
        guard !rest.contains(UInt8(ascii: "<")), let words = shellWords(rest), words.count == 1, let raw = words.first
        else { return nil }
        let (name, isQuoted) = unquoted(raw)
        if name.isEmpty { return nil }
        return Mark(
            name: name,
            expands: !isQuoted,
            stripsTabs: stripsTabs,
            fileDescriptor: Int(TextBytes.text(Array(digits))) ?? 0
        )
    }

    /// Without leading tabs.
    static func strippingTabs(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> { line.drop { $0 == 0x09 } }

    private static func isBareOperator(_ word: [UInt8]) -> Bool {
        let rest = word.drop { (0x30...0x39).contains($0) }
        return rest.elementsEqual("<<".utf8) || rest.elementsEqual("<<-".utf8)
    }

    /// Words as a shell sees them, quotes and escapes kept; nil when a quote or a `${` isn't closed.
    private static func shellWords(_ text: ArraySlice<UInt8>) -> [[UInt8]]? {
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        /// Quotes and braces that are open, innermost last.
        var open: [UInt8] = []
        var rest = text
        while let byte = rest.first {
            let (value, length) = TextBytes.scalar(in: rest, at: 0)
            let bytes = rest.prefix(length)
            rest = rest.dropFirst(length)
            let context = open.last
            if context == nil, TextBytes.isSpace(value) {
                if !word.isEmpty { words.append(word) }
                word = []
                continue
            }
            word += bytes
            if context == UInt8(ascii: "'") {
                if byte == UInt8(ascii: "'") { open.removeLast() }
            } else if byte == UInt8(ascii: "\\") {
                let next = rest.isEmpty ? 0 : TextBytes.scalar(in: rest, at: 0).length
                word += rest.prefix(next)
                rest = rest.dropFirst(next)
            } else if byte == UInt8(ascii: "$"), rest.first == UInt8(ascii: "{") {
                word.append(UInt8(ascii: "{"))
                rest = rest.dropFirst()
                open.append(UInt8(ascii: "}"))
            } else if byte == context {
                open.removeLast()
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'"), context != UInt8(ascii: "\"") {
                open.append(byte)
            }
        }
        if !word.isEmpty { words.append(word) }
        return open.isEmpty ? words : nil
    }

    private static func unquoted(_ word: [UInt8]) -> (name: [UInt8], isQuoted: Bool) {
        var name: [UInt8] = []
        var isQuoted = false
        var quote: UInt8?
        var position = 0
        while position < word.count {
            let byte = word[position]
            position += 1
            if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "'"), position < word.count {
                name.append(word[position])
                position += 1
            } else if byte == quote {
                quote = nil
            } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
                isQuoted = true
            } else if byte != UInt8(ascii: "\\") || quote == UInt8(ascii: "'") {
                name.append(byte)
            }
        }
        return (name, isQuoted)
    }
}
