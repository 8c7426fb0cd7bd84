import ImgReport

/// A fault of the second phase; the caller adds place and prefix (ERR-3).
struct ParsingError: Error {
    var message: String

    init(_ message: String) { self.message = message }
}

/// The flags of one instruction (FLG-4…FLG-7).
struct FlagParser {
    enum Kind {
        case boolean
        case string
        case list
    }

    private var values: [String: [String]] = [:]

    /// Checks flags against those that the instruction knows.
    ///
    /// - Parameter known: Names without dashes.
    init(_ flags: [String], known: KeyValuePairs<String, Kind> = [:]) throws(ParsingError) {
        for flag in flags {
            let text = Array(flag.utf8.dropFirst(2))
            let equals = text.firstIndex(of: UInt8(ascii: "="))
            let name = TextBytes.text(text[..<(equals ?? text.count)])
            let value = equals.map { TextBytes.text(text[($0 + 1)...]) }
            guard let kind = known.first(where: { $0.key == name })?.value else {
                let suggestion = Suggestion.suffix(name, among: known.map(\.key))
                throw ParsingError("unknown flag: --\(name)\(suggestion)")
            }
            if kind != .list, values[name] != nil { throw ParsingError("duplicate flag specified: --\(name)") }
            values[name, default: []].append(try Self.checked(value, kind: kind, name: name))
        }
    }

    private static func checked(_ value: String?, kind: Kind, name: String) throws(ParsingError) -> String {
        guard kind == .boolean else {
            guard let value else { throw ParsingError("missing a value on flag: --\(name)") }
            return value
        }
        guard let value else { return "true" }
        switch value.lowercased() {
        case "true": return "true"
        case "false": return "false"
        case "": throw ParsingError("missing a value on flag: --\(name)")
        default: throw ParsingError("expecting boolean value for flag --\(name), not: \(value)")
        }
    }

    /// nil when absent or empty (FLG-6).
    func string(_ name: String) -> String? {
        guard let value = values[name]?.first, !value.isEmpty else { return nil }
        return value
    }

    /// Without empty values.
    func list(_ name: String) -> [String] { (values[name] ?? []).filter { !$0.isEmpty } }

    /// nil when absent.
    func boolean(_ name: String) -> Bool? { values[name]?.first.map { $0 == "true" } }
}
