import ImgReport

/// One instruction split into its parts, before anything is checked; the first of two phases (LEX-18).
struct LexedInstruction {
    enum Arguments {
        /// Words, or the whole text as one word; empty when there is none.
        case words([String])
        case json([String])
        case pairs([KeyValue], legacy: Bool)
        indirect case onbuild(LexedInstruction)
        /// HEALTHCHECK: its kind, and its command.
        case health(String, CommandForm?)
    }

    var keyword: String
    var flags: [String]
    var arguments: Arguments
    var heredocs: [Heredoc] = []
    /// The logical line.
    var original: String
    /// As the reader found it.
    var line = LogicalLine()

    var name: String { keyword.uppercased() }

    /// Words of either list form.
    var words: [String] {
        switch arguments {
        case .words(let words), .json(let words): words
        default: []
        }
    }

    /// Whether `<<` means anything here (HD-1).
    var mayHaveHeredocs: Bool {
        switch arguments {
        case .json: return false
        case .onbuild(let inner): return inner.mayHaveHeredocs
        default: return ["ADD", "COPY", "RUN"].contains(name)
        }
    }

    /// Hands the bodies to the instruction that they belong to.
    mutating func attach(_ bodies: [Heredoc]) {
        heredocs = bodies
        if case .onbuild(var inner) = arguments {
            inner.attach(bodies)
            arguments = .onbuild(inner)
        }
    }
}

/// A line after continuations.
struct LogicalLine {
    var text: [UInt8] = []
    var firstLine = 1
    var lastLine = 1
    var comments: [String] = []
    var hasEmptyContinuation = false
}

/// A fault of the first phase; without a place until the reader adds one.
struct LexingError: Error {
    var message: String
}

extension LexedInstruction {
    /// Splits a logical line.
    ///
    /// - Parameters:
    ///   - escape: The token of the file.
    ///   - isTrigger: Whether it stands behind ONBUILD, where another ONBUILD is looked into no further.
    /// - Returns: nil for a line without text (LEX-13).
    static func lex(
        _ text: [UInt8],
        escape: UInt8,
        isTrigger: Bool = false
    ) throws(LexingError) -> LexedInstruction? {
        let line = TextBytes.trimmed(text)
        if line.isEmpty { return nil }
        let keyword = line.prefix { !TextBytes.isBlank($0) }
        let lexing = ArgumentLexing(escape: escape)
        let (flags, rest) = lexing.flags(line.dropFirst(keyword.count).drop(while: TextBytes.isBlank))
        var lexed = LexedInstruction(
            keyword: TextBytes.text(keyword),
            flags: flags,
            arguments: .words([]),
            original: TextBytes.text(line)
        )
        if isTrigger, lexed.name == "ONBUILD" { return lexed }
        lexed.arguments = try arguments(of: lexed.name, rest, lexing)
        return lexed
    }

    private static func arguments(
        of name: String,
        _ text: ArraySlice<UInt8>,
        _ lexing: ArgumentLexing
    ) throws(LexingError) -> Arguments {
        switch name {
        case "ADD", "COPY", "VOLUME":
            if let strings = try jsonStrings(text) { return .json(strings) }
            return .words(ArgumentLexing.words(text).map(TextBytes.text))
        case "CMD", "ENTRYPOINT", "RUN", "SHELL":
            if let strings = try jsonStrings(text) { return .json(strings) }
            return .words(wholeText(text))
        case "FROM", "EXPOSE":
            return .words(ArgumentLexing.words(text).map(TextBytes.text))
        case "ARG":
            return .words(lexing.quotedWords(text).map(TextBytes.text))
        case "ENV", "LABEL":
            return try pairs(of: name, text, lexing)
        case "HEALTHCHECK":
            return try health(text)
        case "ONBUILD":
            if let inner = try lex(Array(text), escape: lexing.escape, isTrigger: true) { return .onbuild(inner) }
            return .words([])
        default:
            return .words(wholeText(text))
        }
    }

    private static func wholeText(_ text: ArraySlice<UInt8>) -> [String] { text.isEmpty ? [] : [TextBytes.text(text)] }

    private static func jsonStrings(_ text: ArraySlice<UInt8>) throws(LexingError) -> [String]? {
        switch ArgumentLexing.jsonForm(text) {
        case .strings(let strings): return strings
        case .otherElements:
            throw LexingError(message: "when using JSON array syntax, arrays must be comprised of strings only")
        case .none: return nil
        }
    }

    /// PAR-1, PAR-2.
    private static func pairs(
        of name: String,
        _ text: ArraySlice<UInt8>,
        _ lexing: ArgumentLexing
    ) throws(LexingError) -> Arguments {
        let words = lexing.quotedWords(text)
        guard let first = words.first else { return .words([]) }
        if !first.contains(UInt8(ascii: "=")) {
            let key = text.prefix { !TextBytes.isBlank($0) }
            guard key.count < text.count else { throw LexingError(message: "\(name) must have two arguments") }
            let value = text.dropFirst(key.count).drop(while: TextBytes.isBlank)
            return .pairs([KeyValue(key: TextBytes.text(key), value: TextBytes.text(value))], legacy: true)
        }
        var pairs: [KeyValue] = []
        for word in words {
            guard let equals = word.firstIndex(of: UInt8(ascii: "=")) else {
                let shown = TextBytes.text(word).goQuoted
                throw LexingError(
                    message: "Syntax error - can't find = in \(shown). Must be of the form: name=value"
                )
            }
            let key = TextBytes.text(word[..<equals])
            pairs.append(KeyValue(key: key, value: TextBytes.text(word[(equals + 1)...])))
        }
        return .pairs(pairs, legacy: false)
    }

    private static func health(_ text: ArraySlice<UInt8>) throws(LexingError) -> Arguments {
        if text.isEmpty { return .words([]) }
        let kind = text.prefix { !TextBytes.isBlank($0) && $0 != 0x0a }
        let command = TextBytes.trimmed(text.dropFirst(kind.count))
        if command.isEmpty { return .health(TextBytes.text(kind), nil) }
        let form = try jsonStrings(command).map(CommandForm.exec) ?? .shell(TextBytes.text(command))
        return .health(TextBytes.text(kind), form)
    }
}
