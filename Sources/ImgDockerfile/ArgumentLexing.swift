import ImgOCI

/// Splits the text of an instruction into flags and words (FLG-1, FLG-2, JSON-1…JSON-5, WRD-1, WRD-2).
struct ArgumentLexing {
    /// What a text in JSON form can be; a decoder to `[String]` couldn't tell the last two apart.
    enum JSONForm: Sendable, Hashable {
        case strings([String])
        case otherElements
        case none
    }

    /// `\` or a back tick.
    let escape: UInt8

    /// Takes the leading `--flag` words, unquoted, off a text; a lone `--` ends them and is dropped.
    func flags(_ text: ArraySlice<UInt8>) -> (flags: [String], rest: ArraySlice<UInt8>) {
        var flags: [String] = []
        var rest = TextBytes.trimmedStart(text)
        while rest.starts(with: "--".utf8) {
            var word: [UInt8] = []
            var quote: UInt8?
            while let byte = rest.first {
                let (value, length) = TextBytes.scalar(in: rest, at: 0)
                if quote == nil, TextBytes.isSpace(value) { break }
                let bytes = rest.prefix(length)
                rest = rest.dropFirst(length)
                if byte == escape {
                    if rest.isEmpty { break }
                    let next = TextBytes.scalar(in: rest, at: 0).length
                    word += rest.prefix(next)
                    rest = rest.dropFirst(next)
                } else if byte == quote {
                    quote = nil
                } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                    quote = byte
                } else {
                    word += bytes
                }
            }
            if word.elementsEqual("--".utf8) { break }
            flags.append(TextBytes.text(word))
            rest = TextBytes.trimmedStart(rest)
        }
        return (flags, TextBytes.trimmed(rest))
    }

    /// Runs of blanks separate; quotes don't group (WRD-1).
    static func words(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        text.split(whereSeparator: TextBytes.isBlank)
    }

    /// Quotes protect spaces and are kept (WRD-2).
    func quotedWords(_ text: ArraySlice<UInt8>) -> [[UInt8]] {
        var words: [[UInt8]] = []
        var rest = TextBytes.trimmedStart(text)
        while !rest.isEmpty {
            var word: [UInt8] = []
            var quote: UInt8?
            while let byte = rest.first {
                let (value, length) = TextBytes.scalar(in: rest, at: 0)
                if quote == nil, TextBytes.isSpace(value) { break }
                let bytes = rest.prefix(length)
                rest = rest.dropFirst(length)
                if byte == escape, quote != UInt8(ascii: "'") {
                    if rest.isEmpty { break }
                    let next = TextBytes.scalar(in: rest, at: 0).length
                    word += bytes + rest.prefix(next)
                    rest = rest.dropFirst(next)
                    continue
                }
                if byte == quote {
                    quote = nil
                } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                    quote = byte
                }
                word += bytes
            }
            if !word.isEmpty { words.append(word) }
            rest = TextBytes.trimmedStart(rest)
        }
        return words
    }

    static func jsonForm(_ text: ArraySlice<UInt8>) -> JSONForm {
        let body = TextBytes.trimmedStart(text)
        guard body.first == UInt8(ascii: "["), let value = try? JSON.parse(Array(body)), let elements = value.arrayValue
        else { return .none }
        var strings: [String] = []
        for element in elements {
            guard let string = element.stringValue else { return .otherElements }
            strings.append(string)
        }
        return .strings(strings)
    }
}
