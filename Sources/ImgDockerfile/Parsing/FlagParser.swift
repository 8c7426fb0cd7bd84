import ImgReport

/// A mistake that the second phase finds; the message has no prefix yet (ERR-3).
struct ValidationError: Error {
    var message: String
    /// In the logical line; nil for the whole instruction.
    var stretch: Range<Int>?
    var hints: [String] = []

    static func atLeastOneArgument(_ keyword: String) -> ValidationError {
        ValidationError(message: "\(keyword) requires at least one argument")
    }
}

/// The flags of one instruction, checked against those that it has (FLG-4…FLG-7).
struct FlagParser {
    enum Kind {
        case bool
        case string
        case list
    }

    private let kinds: [String: Kind]
    private var values: [String: [String]] = [:]

    init(_ flags: [Word], allowing kinds: [String: Kind]) throws(ValidationError) {
        self.kinds = kinds
        for flag in flags { try read(flag) }
    }

    private mutating func read(_ flag: Word) throws(ValidationError) {
        let text = flag.bytes.dropFirst(2)
        let cut = text.firstIndex(of: UInt8(ascii: "=")) ?? text.endIndex
        let name = TextBytes.text(text[..<cut])
        let value = cut < text.endIndex ? TextBytes.text(text[(cut + 1)...]) : nil
        guard let kind = kinds[name] else {
            let suggestion = Suggestion.suffix(name, among: kinds.keys)
            var hints: [String] = []
            if suggestion.isEmpty, !kinds.isEmpty {
                hints = ["the flags are " + kinds.keys.sorted().map { "--\($0)" }.joined(separator: ", ")]
            }
            throw ValidationError(message: "unknown flag: --\(name)\(suggestion)", stretch: flag.stretch, hints: hints)
        }
        if kind != .list, values[name] != nil {
            throw ValidationError(message: "duplicate flag specified: --\(name)", stretch: flag.stretch)
        }
        switch kind {
        case .bool:
            let word = value?.lowercased() ?? "true"
            if word.isEmpty { throw Self.missingValue(name, flag) }
            guard word == "true" || word == "false" else {
                throw ValidationError(
                    message: "expecting boolean value for flag --\(name), not: \(value ?? "")",
                    stretch: flag.stretch
                )
            }
            values[name] = [word]
        case .string, .list:
            guard let value else { throw Self.missingValue(name, flag) }
            values[name, default: []].append(value)
        }
    }

    private static func missingValue(_ name: String, _ flag: Word) -> ValidationError {
        ValidationError(message: "missing a value on flag: --\(name)", stretch: flag.stretch)
    }

    /// nil when absent.
    func bool(_ name: String) -> Bool? { values[name]?.last.map { $0 == "true" } }

    /// nil when absent or empty (FLG-6).
    func string(_ name: String) -> String? {
        guard let value = values[name]?.last, !value.isEmpty else { return nil }
        return value
    }

    /// Without empty values (FLG-6).
    func list(_ name: String) -> [String] { (values[name] ?? []).filter { !$0.isEmpty } }
}
