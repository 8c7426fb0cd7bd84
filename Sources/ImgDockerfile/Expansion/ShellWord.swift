/// Why a word cannot be expanded, without the word.
struct ShellError: Error, Hashable {
    var message: String
}

/// One pass over a text that removes quotes and escapes and puts in the values of variables (EXP-4…EXP-12).
struct ShellWord {
    /// What is kept, and what counts.
    struct Options {
        var escape = UInt8(ascii: "\\")
        /// Whether quotes group; in a heredoc body they are ordinary characters (HD-8).
        var hasQuotes = true
        var keepsQuotes = false
        var keepsEscapes = false
        /// `$x` stays as written when `x` is unset.
        var keepsUnset = false
        /// Whether `<< NAME` is one word (HD-2).
        var joinsHeredocs = false
        /// Bytes that a result may have.
        var limit = 1 << 20
    }

    private static let maximumNesting = 100

    private let input: [UInt8]
    private var place = 0
    let options: Options
    private var keepsEscapes: Bool
    private let variables: (String) -> String?
    private var nesting = 0
    private var produced = 0
    private var splitter = WordCollector()
    /// Names that had no value, in order of first use.
    private(set) var unset: [String] = []
    /// All names that were looked up, in order of first use.
    private(set) var used: [String] = []
    private var seen: Set<String> = []

    init(_ input: [UInt8], options: Options, variables: @escaping (String) -> String?) {
        self.input = input
        self.options = options
        self.variables = variables
        keepsEscapes = options.keepsEscapes
    }

    /// The expanded text.
    mutating func expanded() throws(ShellError) -> [UInt8] { try text(until: nil, keepingEscapes: keepsEscapes) }

    /// The expanded text, split at unquoted uspace.
    mutating func words() throws(ShellError) -> [[UInt8]] {
        _ = try expanded()
        return finishedWords()
    }

    /// The words, once the text has been expanded.
    mutating func finishedWords() -> [[UInt8]] { splitter.finish() }

    // MARK: Reading

    private var current: UInt8? { place < input.count ? input[place] : nil }

    /// Takes one character; nil at the end.
    private mutating func next() -> ArraySlice<UInt8>? {
        guard place < input.count else { return nil }
        let width = input[place] < 0x80 ? 1 : TextBytes.scalar(in: input, at: place).length
        place += width
        return input[place - width..<place]
    }

    private mutating func count(_ bytes: Int) throws(ShellError) {
        produced += bytes
        if produced > options.limit { throw ShellError(message: "the result is longer than \(options.limit) bytes") }
    }

    /// Text up to `stop`, which is consumed, or up to the end.
    private mutating func text(until stop: UInt8?, keepingEscapes: Bool) throws(ShellError) -> [UInt8] {
        guard nesting <= Self.maximumNesting else {
            throw ShellError(message: "nested more than \(Self.maximumNesting) levels deep")
        }
        let keptEscapes = keepsEscapes
        keepsEscapes = keepingEscapes
        nesting += 1
        defer {
            keepsEscapes = keptEscapes
            nesting -= 1
        }
        let isOutermost = nesting == 1
        var result: [UInt8] = []
        while let byte = current {
            if byte == stop {
                place += 1
                return result
            }
            switch byte {
            case UInt8(ascii: "$"):
                let value = try dollar()
                if isOutermost { splitter.append(splitting: value) }
                result += value
            case UInt8(ascii: "'") where options.hasQuotes, UInt8(ascii: "\"") where options.hasQuotes:
                let value = byte == UInt8(ascii: "'") ? try singleQuoted() : try doubleQuoted()
                if isOutermost { splitter.append(whole: value) }
                result += value
            case options.escape:
                place += 1
                var piece: [UInt8] = keepsEscapes ? [byte] : []
                if let escaped = next() { piece += escaped }
                if isOutermost { splitter.append(whole: piece) }
                try count(piece.count)
                result += piece
            case UInt8(ascii: "<") where options.joinsHeredocs && input[place...].starts(with: [byte, byte]):
                place += 2
                var piece = [byte, byte]
                while let blank = current, TextBytes.isSpace(UInt32(blank)), blank < 0x80 {
                    piece.append(blank)
                    place += 1
                }
                splitter.append(whole: piece)
            default:
                guard let character = next() else { break }
                if isOutermost { splitter.append(splitting: character) }
                try count(character.count)
                result += character
            }
        }
        if let stop {
            throw ShellError(
                message: "unexpected end of statement while looking for matching \(TextBytes.text([stop]))"
            )
        }
        return result
    }

    private mutating func singleQuoted() throws(ShellError) -> [UInt8] {
        let quote = UInt8(ascii: "'")
        let start = place
        guard let end = input[(start + 1)...].firstIndex(of: quote) else {
            place = input.count
            throw ShellError(message: "unexpected end of statement while looking for matching single-quote")
        }
        place = end + 1
        try count(end - start)
        return Array(options.keepsQuotes ? input[start...end] : input[(start + 1)..<end])
    }

    private mutating func doubleQuoted() throws(ShellError) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        var result: [UInt8] = options.keepsQuotes ? [quote] : []
        place += 1
        while let byte = current {
            switch byte {
            case quote:
                place += 1
                if options.keepsQuotes { result.append(quote) }
                return result
            case UInt8(ascii: "$"):
                result += try dollar()
            case options.escape:
                place += 1
                if keepsEscapes { result.append(byte) }
                guard let escaped = current else { continue }
                // Only these are escaped; before anything else the token stands for itself.
                if escaped == quote || escaped == UInt8(ascii: "$") || escaped == options.escape {
                    place += 1
                    result.append(escaped)
                } else {
                    result.append(byte)
                }
                try count(2)
            default:
                place += 1
                result.append(byte)
                try count(1)
            }
        }
        throw ShellError(message: "unexpected end of statement while looking for matching double-quote")
    }

    // MARK: Variables

    private mutating func value(of name: String) -> String? {
        let value = variables(name)
        if seen.insert(name).inserted {
            used.append(name)
            if value == nil { unset.append(name) }
        }
        return value
    }

    /// What a `$` stands for (EXP-7).
    private mutating func dollar() throws(ShellError) -> [UInt8] {
        let start = place
        place += 1
        if current == UInt8(ascii: "{") { return try braced(from: start) }
        let name = name()
        if name.isEmpty { return [UInt8(ascii: "$")] }
        guard let value = value(of: name) else { return options.keepsUnset ? Array(input[start..<place]) : [] }
        try count(value.utf8.count)
        return Array(value.utf8)
    }

    private mutating func name() -> String {
        let start = place
        guard let first = current else { return "" }
        let isNumber = TextBytes.isDigit(TextBytes.scalar(in: input, at: place).value)
        if !isNumber, "@*#?-$!".utf8.contains(first) {
            place += 1
            return TextBytes.text([first])
        }
        while place < input.count {
            let (scalar, length) = TextBytes.scalar(in: input, at: place)
            guard TextBytes.isDigit(scalar) || (!isNumber && TextBytes.isNameCharacter(scalar)) else { break }
            place += length
        }
        return TextBytes.text(input[start..<place])
    }

    /// `${…}` (EXP-8).
    private mutating func braced(from start: Int) throws(ShellError) -> [UInt8] {
        place += 1
        switch current {
        case nil: throw ShellError(message: "syntax error: missing '}'")
        case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: ":"):
            throw ShellError(message: "syntax error: bad substitution")
        default: break
        }
        let name = name()
        guard let modifier = next() else { throw ShellError(message: "syntax error: missing '}'") }
        var expansion = BracedExpansion(name: name, modifier: Array(modifier))
        switch modifier.first {
        case UInt8(ascii: "}"): break
        case UInt8(ascii: ":"):
            guard let second = next() else { throw ShellError(message: "syntax error: missing '}'") }
            expansion.modifier += second
            if second.first == UInt8(ascii: "#") || second.first == UInt8(ascii: "%") { throw expansion.unsupported }
            expansion.operand = try operand(until: UInt8(ascii: "}"), keepingEscapes: false)
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "?"):
            expansion.operand = try operand(until: UInt8(ascii: "}"), keepingEscapes: false)
        case UInt8(ascii: "#"), UInt8(ascii: "%"):
            expansion.operand = try operand(until: UInt8(ascii: "}"), keepingEscapes: true)
        case UInt8(ascii: "/"):
            if current == UInt8(ascii: "/") {
                place += 1
                expansion.replacesAll = true
            }
            expansion.operand = try operand(until: UInt8(ascii: "/"), keepingEscapes: true)
            // The reference keeps escapes here: `${x/a/\\n}` puts in a backslash and an n.
            expansion.replacement = try operand(until: UInt8(ascii: "}"), keepingEscapes: true)
        default: throw expansion.unsupported
        }
        let value = value(of: name)
        if value == nil, options.keepsUnset { return Array(input[start..<place]) }
        let result = try expansion.result(for: value.map { Array($0.utf8) }, limit: options.limit)
        try count(result.count)
        return result
    }

    private mutating func operand(until stop: UInt8, keepingEscapes: Bool) throws(ShellError) -> [UInt8] {
        do {
            return try text(until: stop, keepingEscapes: keepingEscapes)
        } catch {
            guard place >= input.count else { throw error }
            let isPattern = stop == UInt8(ascii: "/")
            throw ShellError(message: isPattern ? "syntax error: missing '/' in ${}" : "syntax error: missing '}'")
        }
    }
}
