import ImgReport

/// The second phase: one lexed instruction into its body, or its first mistake (§4).
struct InstructionParser {
    /// Every instruction, for "did you mean".
    static let keywords = [
        "add", "arg", "cmd", "copy", "entrypoint", "env", "expose", "from", "healthcheck", "label", "maintainer",
        "onbuild", "run", "shell", "stopsignal", "user", "volume", "workdir",
    ]

    let raw: RawInstruction

    /// The operands of a word list or JSON form, in written order.
    var operands: [Word] {
        switch raw.arguments {
        case .words(let words): words
        case .json(let elements, let stretch): elements.map { Word(bytes: Array($0.utf8), stretch: stretch) }
        case .text(let text): [text]
        case .keyValues(let pairs, _): pairs.map(\.key)
        case .healthcheck(let type, _): [type]
        case .trigger(let keyword, _): [keyword]
        case .none: []
        }
    }

    /// JSON form or shell text (PAR-6).
    var command: CommandForm { Self.command(raw.arguments) }

    static func command(_ arguments: RawInstruction.Arguments) -> CommandForm {
        switch arguments {
        case .json(let elements, _): .exec(elements)
        case .text(let word): .shell(word.text)
        default: .shell("")
        }
    }

    func stretch(ofFlag name: String) -> Range<Int>? {
        raw.flags.last { $0.bytes.dropFirst(2).starts(with: name.utf8) }?.stretch
    }

    func body() throws(ValidationError) -> InstructionBody {
        switch raw.keyword.text.lowercased() {
        case "from": return .from(try from())
        case "arg": return .arg(try definitions())
        case "env": return try keyValues("ENV") { .env($0, legacy: $1) }
        case "label": return try keyValues("LABEL") { .label($0, legacy: $1) }
        case "copy": return .copy(try copy(isAdd: false))
        case "add": return .add(try copy(isAdd: true))
        case "run": return .run(try run())
        case "cmd":
            try refuseFlags()
            return .cmd(command)
        case "entrypoint":
            try refuseFlags()
            return .entrypoint(command)
        case "shell": return .shell(try shell())
        case "expose":
            if operands.isEmpty { throw .atLeastOneArgument("EXPOSE") }
            try refuseFlags()
            return .expose(sortedOperands.map(\.text))
        case "volume": return .volume(try volumes())
        case "user": return .user(try singleText("USER"))
        case "workdir": return .workdir(try singleText("WORKDIR"))
        case "maintainer": return .maintainer(try singleText("MAINTAINER"))
        case "stopsignal": return .stopsignal(try singleText("STOPSIGNAL", ignoringFlags: true))
        case "healthcheck": return .healthcheck(try healthcheck())
        case "onbuild": return .onbuild(try trigger())
        default: throw unknownInstruction
        }
    }

    /// Operands of EXPOSE by bytes (PAR-7).
    var sortedOperands: [Word] { operands.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) } }

    private func refuseFlags() throws(ValidationError) { _ = try FlagParser(raw.flags, allowing: [:]) }

    private var unknownInstruction: ValidationError {
        let typed = raw.keyword.text
        var suggestion = Suggestion.nearest(typed, among: Self.keywords, ignoringCase: true)
        if typed == typed.uppercased() { suggestion = suggestion?.uppercased() }
        let suffix = suggestion.map { " (did you mean \($0)?)" } ?? ""
        return ValidationError(message: "unknown instruction: \(typed)\(suffix)", stretch: raw.keyword.stretch)
    }

    private func singleText(_ keyword: String, ignoringFlags: Bool = false) throws(ValidationError) -> String {
        guard case .text(let word) = raw.arguments else {
            throw ValidationError(message: "\(keyword) requires exactly one argument")
        }
        if !ignoringFlags { try refuseFlags() }
        return word.text
    }

    private func from() throws(ValidationError) -> FromInstruction {
        let words = operands
        let isNamed = words.count == 3 && words[1].text.lowercased() == "as"
        guard words.count == 1 || isNamed else {
            throw ValidationError(message: "FROM requires either one or three arguments")
        }
        var from = FromInstruction(
            image: words[0].text,
            platform: nil,
            stageName: nil,
            stageNameAsWritten: nil,
            asKeyword: nil
        )
        if isNamed {
            let name = words[2].text
            guard Self.isStageName(words[2].bytes) else {
                throw ValidationError(
                    message: "invalid name for build stage: \(name.goQuoted), "
                        + "name can't start with a number or contain symbols",
                    stretch: words[2].stretch
                )
            }
            from.stageName = name.lowercased()
            from.stageNameAsWritten = name
            from.asKeyword = words[1].text
        }
        from.platform = try FlagParser(raw.flags, allowing: ["platform": .string]).string("platform")
        return from
    }

    /// PAR-4.
    private static func isStageName(_ name: [UInt8]) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
        guard let first = name.first, isLetter(first) else { return false }
        return name.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || "-_.".utf8.contains($0) }
    }

    /// ARG ignores flags (FLG-7); names are taken as they are (PAR-3).
    private func definitions() throws(ValidationError) -> [ArgDefinition] {
        let words = operands
        if words.isEmpty { throw .atLeastOneArgument("ARG") }
        var definitions: [ArgDefinition] = []
        for word in words {
            guard let cut = word.bytes.firstIndex(of: UInt8(ascii: "=")) else {
                definitions.append(ArgDefinition(name: word.text, value: nil))
                continue
            }
            if cut == 0 { throw ValidationError(message: "ARG names can not be blank", stretch: word.stretch) }
            let name = TextBytes.text(word.bytes[..<cut])
            definitions.append(ArgDefinition(name: name, value: TextBytes.text(word.bytes[(cut + 1)...])))
        }
        return definitions
    }

    private func keyValues(
        _ keyword: String,
        _ body: ([KeyValue], Bool) -> InstructionBody
    ) throws(ValidationError) -> InstructionBody {
        try refuseFlags()
        guard case .keyValues(let pairs, let legacy) = raw.arguments, !pairs.isEmpty else {
            throw .atLeastOneArgument(keyword)
        }
        for pair in pairs where pair.key.bytes.isEmpty {
            throw ValidationError(message: "\(keyword) names can not be blank", stretch: pair.key.stretch)
        }
        return body(pairs.map { KeyValue(key: $0.key.text, value: $0.value.text) }, legacy)
    }

    private func shell() throws(ValidationError) -> [String] {
        try refuseFlags()
        switch raw.arguments {
        case .json(let elements, _) where !elements.isEmpty: return elements
        case .text(let word):
            throw ValidationError(message: "SHELL requires the arguments to be in JSON form", stretch: word.stretch)
        default: throw .atLeastOneArgument("SHELL")
        }
    }

    private func volumes() throws(ValidationError) -> [String] {
        let words = operands
        if words.isEmpty { throw .atLeastOneArgument("VOLUME") }
        try refuseFlags()
        var volumes: [String] = []
        for word in words {
            let path = TextBytes.trimmed(word.bytes)
            guard !path.isEmpty else {
                throw ValidationError(message: "VOLUME specified can not be an empty string", stretch: word.stretch)
            }
            volumes.append(TextBytes.text(path))
        }
        return volumes
    }

    /// The text to store, with bodies re-attached; apart from CFG-11 it is not looked at (HD-15).
    private func trigger() throws(ValidationError) -> String {
        guard case .trigger(let keyword, _) = raw.arguments else { throw .atLeastOneArgument("ONBUILD") }
        try refuseFlags()
        switch keyword.text.uppercased() {
        case "ONBUILD":
            throw ValidationError(
                message: "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
                stretch: keyword.stretch
            )
        case "FROM", "MAINTAINER":
            throw ValidationError(
                message: "\(keyword.text.uppercased()) isn't allowed as an ONBUILD trigger",
                stretch: keyword.stretch
            )
        default: break
        }
        var text = TextBytes.text(TextBytes.trimmedStart(raw.line.bytes[raw.keyword.stretch.upperBound...]))
        for heredoc in raw.heredocs { text += "\n\(TextBytes.text(heredoc.content))\(heredoc.marker.name)" }
        return text
    }
}
