import ImgOCI
import ImgReport

/// The second phase: checks one lexed instruction and gives it its type (§4 of the rules, CFG-9, CFG-11, RUN-2).
struct InstructionParser {
    private static let keywords = [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
        "ONBUILD",
        "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ]

    let lexed: LexedInstruction

    func body() throws(ParsingError) -> InstructionBody {
        switch lexed.name {
        case "ADD": return .add(try CopyParser(lexed: lexed).instruction())
        case "ARG": return .arg(try arguments())
        case "CMD": return .cmd(try command())
        case "COPY": return .copy(try CopyParser(lexed: lexed).instruction())
        case "ENTRYPOINT": return .entrypoint(try command())
        case "ENV":
            let (pairs, isLegacy) = try pairs()
            return .env(pairs, legacy: isLegacy)
        case "EXPOSE": return .expose(try exposed())
        case "FROM": return .from(try from())
        case "HEALTHCHECK": return .healthcheck(try HealthcheckParser(lexed: lexed).healthcheck())
        case "LABEL":
            let (pairs, isLegacy) = try pairs()
            return .label(pairs, legacy: isLegacy)
        case "MAINTAINER": return .maintainer(try singleString())
        case "ONBUILD": return .onbuild(try trigger())
        case "RUN": return .run(try RunParser(lexed: lexed).instruction())
        case "SHELL": return .shell(try shell())
        case "STOPSIGNAL": return .stopsignal(try singleString(ignoringFlags: true))
        case "USER": return .user(try singleString())
        case "VOLUME": return .volume(try volumes())
        case "WORKDIR": return .workdir(try singleString())
        default: throw unknown()
        }
    }

    private var name: String { lexed.name }

    private func atLeastOneArgument() -> ParsingError { ParsingError("\(name) requires at least one argument") }

    private func unknown() -> ParsingError {
        let nearest = Suggestion.nearest(lexed.keyword, among: Self.keywords, ignoringCase: true)
        let isUpper = lexed.keyword == lexed.keyword.uppercased()
        let suggestion = nearest.map { " (did you mean \(isUpper ? $0 : $0.lowercased())?)" } ?? ""
        return ParsingError("unknown instruction: \(lexed.keyword)\(suggestion)")
    }

    private func noFlags() throws(ParsingError) { _ = try FlagParser(lexed.flags) }

    private func command() throws(ParsingError) -> CommandForm {
        try noFlags()
        return lexed.command
    }

    private func singleString(ignoringFlags: Bool = false) throws(ParsingError) -> String {
        guard let text = lexed.words.first else { throw ParsingError("\(name) requires exactly one argument") }
        if !ignoringFlags { try noFlags() }
        return text
    }

    private func pairs() throws(ParsingError) -> ([KeyValue], Bool) {
        guard case .pairs(let pairs, let isLegacy) = lexed.arguments else { throw atLeastOneArgument() }
        try noFlags()
        if pairs.contains(where: \.key.isEmpty) { throw ParsingError("\(name) names can not be blank") }
        return (pairs, isLegacy)
    }

    /// PAR-3; flags are ignored (FLG-7).
    private func arguments() throws(ParsingError) -> [ArgDefinition] {
        if lexed.words.isEmpty { throw atLeastOneArgument() }
        var definitions: [ArgDefinition] = []
        for word in lexed.words {
            let text = Array(word.utf8)
            guard let equals = text.firstIndex(of: UInt8(ascii: "=")) else {
                definitions.append(ArgDefinition(name: word, value: nil))
                continue
            }
            if equals == 0 { throw ParsingError("ARG names can not be blank") }
            let value = TextBytes.text(text[(equals + 1)...])
            definitions.append(ArgDefinition(name: TextBytes.text(text[..<equals]), value: value))
        }
        return definitions
    }

    /// PAR-7.
    private func exposed() throws(ParsingError) -> [String] {
        if lexed.words.isEmpty { throw atLeastOneArgument() }
        try noFlags()
        return lexed.words.sortedByBytes()
    }

    private func volumes() throws(ParsingError) -> [String] {
        if lexed.words.isEmpty { throw atLeastOneArgument() }
        try noFlags()
        let volumes = lexed.words.map { TextBytes.text(TextBytes.trimmed(Array($0.utf8))) }
        if volumes.contains("") { throw ParsingError("VOLUME specified can not be an empty string") }
        return volumes
    }

    private func shell() throws(ParsingError) -> [String] {
        try noFlags()
        if lexed.words.isEmpty { throw atLeastOneArgument() }
        guard case .json(let words) = lexed.arguments else {
            throw ParsingError("SHELL requires the arguments to be in JSON form")
        }
        return words
    }

    private func from() throws(ParsingError) -> FromInstruction {
        let words = lexed.words
        var stage: (asKeyword: String, name: String)?
        if words.count == 3, words[1].lowercased() == "as" {
            guard Self.isStageName(words[2].lowercased()) else {
                let shown = words[2].goQuoted
                throw ParsingError(
                    "invalid name for build stage: \(shown), name can't start with a number or contain symbols"
                )
            }
            stage = (words[1], words[2])
        } else if words.count != 1 {
            throw ParsingError("FROM requires either one or three arguments")
        }
        let flags = try FlagParser(lexed.flags, known: ["platform": .string])
        return FromInstruction(
            image: words[0],
            platform: flags.string("platform"),
            stageName: stage?.name.lowercased(),
            stageNameAsWritten: stage?.name,
            asKeyword: stage?.asKeyword
        )
    }

    /// PAR-4, of a lower-cased name.
    private static func isStageName(_ name: String) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        guard let first = name.utf8.first, isLetter(first) else { return false }
        return name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || "-_.".utf8.contains($0) }
    }

    /// CFG-11, HD-15.
    private func trigger() throws(ParsingError) -> String {
        guard case .onbuild(let inner) = lexed.arguments else { throw atLeastOneArgument() }
        try noFlags()
        switch inner.name {
        case "ONBUILD": throw ParsingError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
        case "FROM", "MAINTAINER": throw ParsingError("\(inner.name) isn't allowed as an ONBUILD trigger")
        default: break
        }
        let line = Array(lexed.original.utf8)
        var text = TextBytes.text(TextBytes.trimmedStart(line.dropFirst(lexed.keyword.utf8.count)))
        for heredoc in lexed.heredocs { text += "\n" + heredoc.content + heredoc.name }
        return text
    }
}

extension LexedInstruction {
    /// JSON form, or everything as it stands (PAR-6).
    var command: CommandForm {
        if case .json(let words) = arguments { return .exec(words) }
        return .shell(words.first ?? "")
    }
}
