import ImgReport

/// Recognises parser directives, line by line, until the first line that is none (DIR-1…DIR-3).
struct DirectiveReader {
    struct Directive {
        var name: String
        var value: [UInt8]
        /// 1-based.
        var line: Int?
    }

    private static let known = ["check", "escape", "syntax"]

    private var seen: Set<String> = []
    private(set) var isDone = false

    /// - Parameter text: A line without its end.
    /// - Returns: nil when the line is no directive; every later one isn't either.
    mutating func directive(in text: ArraySlice<UInt8>) throws(LexingError) -> Directive? {
        if isDone { return nil }
        guard let directive = Self.parse(text), Self.known.contains(directive.name) else {
            isDone = true
            return nil
        }
        guard seen.insert(directive.name).inserted else {
            throw LexingError(message: "only one \(directive.name) parser directive can be used")
        }
        return directive
    }

    private static func parse(_ text: ArraySlice<UInt8>) -> Directive? {
        guard text.first == UInt8(ascii: "#") else { return nil }
        var rest = TextBytes.trimmedStart(text.dropFirst())
        let name = rest.prefix { TextBytes.isNameCharacter(UInt32($0)) && $0 != UInt8(ascii: "_") && $0 < 0x80 }
        guard let first = name.first, !(0x30...0x39).contains(first) else { return nil }
        rest = TextBytes.trimmedStart(rest.dropFirst(name.count))
        guard rest.first == UInt8(ascii: "=") else { return nil }
        let value = TextBytes.trimmed(rest.dropFirst())
        guard !value.isEmpty else { return nil }
        return Directive(name: TextBytes.text(name).lowercased(), value: Array(value))
    }

    /// `syntax` and `check`, which are looked for in a pass of their own over the raw lines (DIR-5, DIR-6).
    static func rawDirectives(of file: SourceFile) -> [Directive] {
        var lines = SourceLines(file)
        var reader = DirectiveReader()
        var found: [Directive] = []
        do {
            while !reader.isDone, let line = try lines.next() {
                let text = file.bytes[line.text]
                if line.number == 1, text.starts(with: Array("#!".utf8)) { continue }
                guard var directive = try reader.directive(in: text) else { break }
                directive.line = line.number
                found.append(directive)
            }
        } catch {
            // A fault that matters is met again when the file is lexed.
        }
        return found
    }
}
