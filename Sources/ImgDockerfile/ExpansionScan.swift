/// One pass over a text that is being expanded.
struct ExpansionScan {
    private let input: [Unicode.Scalar]
    private let escape: Unicode.Scalar
    /// Quotes are ordinary characters, as in heredocs.
    private let keepsQuotes: Bool
    private let splits: Bool
    private var position = 0
    private var depth = 0

    private var words: [String] = []
    private var word: [Unicode.Scalar] = []
    private var seen: Set<String> = []
    private(set) var usedNames: [String] = []
    private(set) var unsetNames: [String] = []

    init(_ text: String, escape: Unicode.Scalar, keepsQuotes: Bool, splits: Bool) {
        input = Array(text.unicodeScalars)
        self.escape = escape
        self.keepsQuotes = keepsQuotes
        self.splits = splits
    }

    mutating func finishedWords() -> [String] {
        endWord()
        return words
    }

    private var current: Unicode.Scalar? { position < input.count ? input[position] : nil }

    private mutating func next() -> Unicode.Scalar? {
        guard let scalar = current else { return nil }
        position += 1
        return scalar
    }

    // MARK: Text

    /// Expands up to a terminator, which is consumed, or to the end.
    ///
    /// - Parameter keepsEscapes: Escape tokens stay, for patterns.
    mutating func text(
        upTo terminator: Unicode.Scalar?,
        keepsEscapes: Bool = false,
        _ variables: (String) -> String?
    ) throws(ExpansionError) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        while let scalar = next() {
            if scalar == terminator { return result }
            switch scalar {
            case "'" where !keepsQuotes:
                let quoted = try singleQuoted()
                result += quoted
                addToWord(quoted)
            case "\"" where !keepsQuotes:
                let quoted = try doubleQuoted(keepsEscapes: keepsEscapes, variables)
                result += quoted
                addToWord(quoted)
            case "$":
                let value = try substitution(variables)
                result += value
                for scalar in value { addSplitting(scalar) }
            case escape:
                if keepsEscapes { result.append(scalar) }
                guard let literal = next() else { break }
                result.append(literal)
                addToWord(CollectionOfOne(literal))
            default:
                result.append(scalar)
                addSplitting(scalar)
            }
            try ExpansionLimits.check(result.count)
        }
        guard let terminator else { return result }
        throw ExpansionError("unexpected end of statement while looking for matching \(terminator)")
    }

    /// EXP-4; no escapes.
    private mutating func singleQuoted() throws(ExpansionError) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        while let scalar = next() {
            if scalar == "'" { return result }
            result.append(scalar)
        }
        throw ExpansionError("unexpected end of statement while looking for matching single-quote")
    }

    private mutating func doubleQuoted(
        keepsEscapes: Bool,
        _ variables: (String) -> String?
    ) throws(ExpansionError) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        while let scalar = next() {
            switch scalar {
            case "\"": return result
            case "$": result += try substitution(variables)
            case escape:
                guard let literal = current else { break }
                if literal == "\"" || literal == "$" || literal == escape {
                    if keepsEscapes { result.append(scalar) }
                    position += 1
                    result.append(literal)
                } else {
                    result.append(scalar)
                }
            default: result.append(scalar)
            }
            try ExpansionLimits.check(result.count)
        }
        throw ExpansionError("unexpected end of statement while looking for matching double-quote")
    }

    // MARK: Substitutions

    /// What a `$`, already consumed, stands for (EXP-7, EXP-8).
    private mutating func substitution(_ variables: (String) -> String?) throws(ExpansionError) -> [Unicode.Scalar] {
        guard current == "{" else {
            let name = readName()
            return name.isEmpty ? ["$"] : Array((value(of: name, variables) ?? "").unicodeScalars)
        }
        position += 1
        switch current {
        case nil: throw Self.missingBrace
        case "{", "}", ":": throw ExpansionError("syntax error: bad substitution")
        default: break
        }
        depth += 1
        defer { depth -= 1 }
        guard depth <= ExpansionLimits.nesting else {
            throw ExpansionError("substitutions are nested more than \(ExpansionLimits.nesting) levels deep")
        }
        let name = readName()
        guard let modifier = next() else { throw Self.missingBrace }
        switch modifier {
        case "}": return Array((value(of: name, variables) ?? "").unicodeScalars)
        case "+", "-", "?": return try conditional(name, modifier, emptyCounts: false, variables)
        case "#", "%": return try removal(name, modifier, variables)
        case "/": return try replacement(name, variables)
        case ":":
            guard let second = next() else { throw Self.missingBrace }
            guard second == "+" || second == "-" || second == "?" else { throw Self.unsupported(":\(second)") }
            return try conditional(name, second, emptyCounts: true, variables)
        default: throw Self.unsupported(String(modifier))
        }
    }

    private static let missingBrace = ExpansionError("syntax error: missing '}'")

    private static func unsupported(_ modifier: String) -> ExpansionError {
        ExpansionError("unsupported modifier (\(modifier)) in substitution")
    }

    /// The operand of a modifier; what is wrong at the end of the text is a missing terminator.
    private mutating func operand(
        upTo terminator: Unicode.Scalar,
        keepsEscapes: Bool,
        missing: ExpansionError,
        _ variables: (String) -> String?
    ) throws(ExpansionError) -> [Unicode.Scalar] {
        do throws(ExpansionError) {
            return try text(upTo: terminator, keepsEscapes: keepsEscapes, variables)
        } catch {
            throw current == nil ? missing : error
        }
    }

    private mutating func conditional(
        _ name: String,
        _ modifier: Unicode.Scalar,
        emptyCounts: Bool,
        _ variables: (String) -> String?
    ) throws(ExpansionError) -> [Unicode.Scalar] {
        let word = try operand(upTo: "}", keepsEscapes: false, missing: Self.missingBrace, variables)
        let value = value(of: name, variables)
        let present = emptyCounts && value == "" ? nil : value
        switch modifier {
        case "-": return present.map { Array($0.unicodeScalars) } ?? word
        case "+": return present == nil ? [] : word
        default:
            if let present { return Array(present.unicodeScalars) }
            let reason = value == nil ? "is not allowed to be unset" : "is not allowed to be empty"
            throw ExpansionError("\(name): \(word.isEmpty ? reason : String(word))")
        }
    }

    private mutating func removal(
        _ name: String,
        _ modifier: Unicode.Scalar,
        _ variables: (String) -> String?
    ) throws(ExpansionError) -> [Unicode.Scalar] {
        var word = try operand(upTo: "}", keepsEscapes: true, missing: Self.missingBrace, variables)
        let value = Array((value(of: name, variables) ?? "").unicodeScalars)
        let isLongest = word.first == modifier
        if isLongest { word.removeFirst() }
        let pattern = try SubstitutionPattern(word)
        return if modifier == "#" {
            try pattern.removingPrefix(of: value, longest: isLongest)
        } else {
            try pattern.removingSuffix(of: value, longest: isLongest)
        }
    }

    private mutating func replacement(
        _ name: String,
        _ variables: (String) -> String?
    ) throws(ExpansionError) -> [Unicode.Scalar] {
        let isGlobal = current == "/"
        if isGlobal { position += 1 }
        let missingSlash = ExpansionError("syntax error: missing '/' in ${}")
        let pattern = try operand(upTo: "/", keepsEscapes: true, missing: missingSlash, variables)
        let replacement = try operand(upTo: "}", keepsEscapes: false, missing: Self.missingBrace, variables)
        let compiled = try SubstitutionPattern(pattern)
        guard let value = value(of: name, variables) else { return [] }
        return try compiled.replacing(in: Array(value.unicodeScalars), with: replacement, all: isGlobal)
    }

    // MARK: Names

    /// EXP-7; empty when nothing there can be a name.
    private mutating func readName() -> String {
        guard let first = current else { return "" }
        if "@*#?-$!".unicodeScalars.contains(first) {
            position += 1
            return String(first)
        }
        let isNumber = first.isDigit
        let start = position
        while let scalar = current, isNumber ? scalar.isDigit : scalar.isDigit || scalar.isLetter || scalar == "_" {
            position += 1
        }
        return String(input[start..<position])
    }

    private mutating func value(of name: String, _ variables: (String) -> String?) -> String? {
        let value = variables(name)
        if seen.insert(name).inserted {
            usedNames.append(name)
            if value == nil { unsetNames.append(name) }
        }
        return value
    }

    // MARK: Words

    private mutating func endWord() {
        if !word.isEmpty { words.append(String(word)) }
        word = []
    }

    private mutating func addToWord(_ scalars: some Sequence<Unicode.Scalar>) {
        if splits, depth == 0 { word += scalars }
    }

    private mutating func addSplitting(_ scalar: Unicode.Scalar) {
        guard splits, depth == 0 else { return }
        if TextBytes.isSpace(scalar.value) { endWord() } else { word.append(scalar) }
    }
}

extension Unicode.Scalar {
    fileprivate var isLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    fileprivate var isDigit: Bool { properties.generalCategory == .decimalNumber }
}
