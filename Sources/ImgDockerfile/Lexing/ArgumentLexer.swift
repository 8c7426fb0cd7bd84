import ImgOCI

/// Splits the operands of an instruction by its keyword (§4, column "argument lexer").
struct ArgumentLexer {
    private static let maximumNesting = 200

    let splitter: WordSplitter

    init(bytes: [UInt8], escape: UInt8) {
        splitter = WordSplitter(bytes: bytes, escape: escape)
    }

    /// Splits a logical line into keyword, flags and operands; nil for a blank line (LEX-13, LEX-15, LEX-17).
    func instruction(
        _ stretch: Range<Int>
    ) throws(LexingError) -> (keyword: Word, flags: [Word], arguments: RawInstruction.Arguments)? {
        let whole = splitter.trimmed(stretch)
        guard !whole.isEmpty else { return nil }
        let (keyword, rest) = splitter.splitAtBlank(whole)
        let (flags, remainder) = splitter.flags(rest ?? whole.upperBound..<whole.upperBound)
        let word = splitter.word(keyword)
        let arguments = try arguments(of: word.text.lowercased(), splitter.trimmed(remainder))
        return (word, flags, arguments)
    }

    private func arguments(
        of keyword: String,
        _ rest: Range<Int>
    ) throws(LexingError) -> RawInstruction.Arguments {
        switch keyword {
        case "add", "copy", "volume": return try list(rest)
        case "cmd", "entrypoint", "run", "shell": return try command(rest)
        case "from", "expose": return .words(splitter.blankSeparated(rest))
        case "arg": return .words(splitter.quotedWords(rest))
        case "env", "label": return try keyValues(rest, of: keyword.uppercased())
        case "healthcheck": return try healthcheck(rest)
        case "onbuild": return try trigger(rest)
        case "maintainer", "stopsignal", "user", "workdir":
            return rest.isEmpty ? .none : .text(splitter.word(rest))
        default: return .none
        }
    }

    private func list(_ rest: Range<Int>) throws(LexingError) -> RawInstruction.Arguments {
        if let elements = try array(rest) { return .json(elements, stretch: rest) }
        return .words(splitter.blankSeparated(rest))
    }

    private func command(_ rest: Range<Int>) throws(LexingError) -> RawInstruction.Arguments {
        if rest.isEmpty { return .none }
        if let elements = try array(rest) { return .json(elements, stretch: rest) }
        return .text(splitter.word(rest))
    }

    /// The elements of a JSON array of strings; nil when the text is no JSON array (JSON-1…JSON-3).
    private func array(_ rest: Range<Int>) throws(LexingError) -> [String]? {
        let text = TextBytes.trimmedStart(splitter.bytes[rest])
        guard text.first == UInt8(ascii: "["),
            let value = try? JSON.parse(Array(text), maxDepth: Self.maximumNesting)
        else { return nil }
        if let strings = value.stringArray { return strings }
        throw LexingError(
            message: "when using JSON array syntax, arrays must be comprised of strings only",
            stretch: rest
        )
    }

    /// `name=value …`, or the legacy `name value` (PAR-1, PAR-2).
    private func keyValues(_ rest: Range<Int>, of keyword: String) throws(LexingError) -> RawInstruction.Arguments {
        let words = splitter.quotedWords(rest)
        guard let first = words.first else { return .keyValues([], legacy: false) }
        let equals = UInt8(ascii: "=")
        if !first.bytes.contains(equals) {
            let (key, value) = splitter.splitAtBlank(rest)
            guard let value else { throw LexingError(message: "\(keyword) must have two arguments", stretch: rest) }
            return .keyValues([(splitter.word(key), splitter.word(value))], legacy: true)
        }
        var pairs: [(key: Word, value: Word)] = []
        for word in words {
            guard let cut = word.bytes.firstIndex(of: equals) else {
                throw LexingError(
                    message: "Syntax error - can't find = in \(word.text.goQuoted). "
                        + "Must be of the form: name=value",
                    stretch: word.stretch
                )
            }
            let key = Word(bytes: Array(word.bytes[..<cut]), stretch: word.stretch)
            let value = Word(bytes: Array(word.bytes[(cut + 1)...]), stretch: word.stretch)
            pairs.append((key, value))
        }
        return .keyValues(pairs, legacy: false)
    }

    private func healthcheck(_ rest: Range<Int>) throws(LexingError) -> RawInstruction.Arguments {
        let text = splitter.bytes[rest]
        guard !text.isEmpty else { return .none }
        let end = text.firstIndex { TextBytes.isBlank($0) || $0 == 0x0a } ?? rest.upperBound
        let type = splitter.word(rest.lowerBound..<end)
        return .healthcheck(type: type, command: try command(splitter.trimmed(end..<rest.upperBound)))
    }

    /// Reads what follows ONBUILD for its lexing errors; chains of ONBUILD are walked, not recursed into.
    private func trigger(_ rest: Range<Int>) throws(LexingError) -> RawInstruction.Arguments {
        guard !rest.isEmpty else { return .none }
        let first = splitter.word(splitter.splitAtBlank(rest).first)
        var remainder = rest
        while true {
            let (keyword, after) = splitter.splitAtBlank(remainder)
            let name = splitter.word(keyword).text.lowercased()
            guard name == "onbuild", let after else { break }
            remainder = splitter.trimmed(splitter.flags(after).rest)
            if remainder.isEmpty { return .trigger(keyword: first, canHoldHeredocs: false) }
        }
        guard let inner = try instruction(remainder) else { return .trigger(keyword: first, canHoldHeredocs: false) }
        let canHold = first.text == inner.keyword.text && inner.arguments.canHoldHeredocs(of: inner.keyword)
        return .trigger(keyword: first, canHoldHeredocs: canHold)
    }
}

extension RawInstruction.Arguments {
    /// Whether bodies may follow: ADD, COPY, RUN, also behind ONBUILD, unless in JSON form (HD-1).
    func canHoldHeredocs(of keyword: Word) -> Bool {
        switch self {
        case .json: false
        case .trigger(_, let canHoldHeredocs): canHoldHeredocs
        default: ["add", "copy", "run"].contains(keyword.text.lowercased())
        }
    }
}
