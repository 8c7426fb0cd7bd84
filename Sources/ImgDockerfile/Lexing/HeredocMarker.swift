/// `<<NAME` in a line (HD-2…HD-5).
struct HeredocMarker {
    var name: String
    /// False when a part of the name was quoted.
    var expands: Bool
    /// `<<-`.
    var trimsTabs: Bool
    var fileDescriptor: Int

    /// Reads one shell word; nil when it is no heredoc.
    init?(_ word: [UInt8]) {
        let digits = word.prefix { (0x30...0x39).contains($0) }
        var rest = word.dropFirst(digits.count)
        let less = UInt8(ascii: "<")
        guard rest.starts(with: [less, less]) else { return nil }
        rest = rest.dropFirst(2)
        trimsTabs = rest.first == UInt8(ascii: "-")
        if trimsTabs { rest = rest.dropFirst() }
        rest = rest.drop { $0 == 0x20 || (0x09...0x0d).contains($0) && $0 != 0x0b }
        guard !rest.isEmpty, !rest.contains(less) else { return nil }
        guard let name = Self.onlyWord(rest, keepingQuotes: false),
            let quoted = Self.onlyWord(rest, keepingQuotes: true)
        else { return nil }
        self.name = TextBytes.text(name)
        expands = name == quoted
        fileDescriptor = Int(TextBytes.text(digits)) ?? 0
    }

    private static func onlyWord(_ bytes: ArraySlice<UInt8>, keepingQuotes: Bool) -> [UInt8]? {
        let options = ShellWord.Options(keepsQuotes: keepingQuotes, keepsUnset: true)
        var pass = ShellWord(Array(bytes), options: options) { _ in nil }
        guard let words = try? pass.words(), words.count == 1 else { return nil }
        return words.first
    }

    /// The markers of a logical line, always with `\` as escape; none when the line cannot be split (HD-3, HD-4).
    static func markers(in line: [UInt8]) -> [HeredocMarker] {
        let less = UInt8(ascii: "<")
        guard zip(line, line.dropFirst()).contains(where: { $0 == less && $1 == less }) else { return [] }
        let options = ShellWord.Options(
            keepsQuotes: true,
            keepsEscapes: true,
            keepsUnset: true,
            joinsHeredocs: true,
            limit: .max
        )
        var pass = ShellWord(line, options: options) { _ in nil }
        guard let words = try? pass.words() else { return [] }
        return words.compactMap { HeredocMarker($0) }
    }
}
