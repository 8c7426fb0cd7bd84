package import ImgReport

/// The comments at the top of a Dockerfile that configure its reader (DIR-1…DIR-8).
struct ParserDirectives {
    private static let known = ["syntax", "escape", "check"]

    var directives = Directives()
    /// Lines at the top that are directives, counted from 1.
    var lineCount = 0
    var diagnostics: [Diagnostic] = []

    init(_ file: SourceFile, lines: [ArraySlice<UInt8>]) {
        var seen: Set<String> = []
        for (number, line) in lines.enumerated() {
            guard let (name, value) = Self.directive(TextBytes.trimmedStart(line)), Self.known.contains(name) else {
                break
            }
            lineCount = number + 1
            let range = SourceRange(file: file, lines: number + 1...number + 1)
            if !seen.insert(name).inserted {
                fail("only one \(name) parser directive can be used", at: range)
            } else if name == "escape" {
                if value == "`" || value == "\\" {
                    directives.escape = value.utf8.first ?? directives.escape
                } else {
                    fail("invalid escape token '\(value)' does not match ` or \\", at: range)
                }
            }
        }
        readSyntaxAndCheck(file, lines: lines)
    }

    private mutating func fail(_ message: String, at range: SourceRange?) {
        diagnostics.append(Diagnostic(.error, message, at: range))
    }

    /// These two must start in the first column and may follow a `#!` line (DIR-5, DIR-6).
    private mutating func readSyntaxAndCheck(_ file: SourceFile, lines: [ArraySlice<UInt8>]) {
        let hasInterpreter = lines.first?.starts(with: "#!".utf8) == true
        for (number, line) in lines.enumerated().dropFirst(hasInterpreter ? 1 : 0) {
            guard let (name, value) = Self.directive(line), Self.known.contains(name) else { break }
            if name == "syntax", directives.syntax == nil {
                directives.syntax = value
                warnAboutFrontend(value, at: SourceRange(file: file, lines: number + 1...number + 1))
            } else if name == "check", directives.check == nil {
                do throws(BuildError) {
                    directives.check = try CheckOptions(parsing: value)
                } catch {
                    diagnostics += error.diagnostics
                }
            }
        }
    }

    private mutating func warnAboutFrontend(_ value: String, at range: SourceRange) {
        let image = value.unicodeScalars.prefix { $0 != " " }
        let name = String(String.UnicodeScalarView(image))
        let local = name.hasPrefix("docker.io/") ? String(name.dropFirst(10)) : name
        if local.hasPrefix("docker/dockerfile") { return }
        diagnostics.append(
            Diagnostic(
                .warning,
                "the frontend \"\(name)\" is not used: Dockerfiles are read by imgbuild itself",
                at: range
            )
        )
    }

    /// `# name=value` with a lower-cased name; nil for any other line.
    static func directive(_ line: ArraySlice<UInt8>) -> (name: String, value: String)? {
        guard line.first == UInt8(ascii: "#") else { return nil }
        return assignment(TextBytes.trimmedStart(line.dropFirst()))
    }

    /// `name = value` as in a directive, without its `#`.
    static func assignment(_ text: ArraySlice<UInt8>) -> (name: String, value: String)? {
        let name = text.prefix { isLetter($0) || (0x30...0x39).contains($0) }
        guard let first = name.first, isLetter(first) else { return nil }
        let rest = TextBytes.trimmedStart(text.dropFirst(name.count))
        guard rest.first == UInt8(ascii: "=") else { return nil }
        let value = TextBytes.trimmed(rest.dropFirst())
        return value.isEmpty ? nil : (TextBytes.text(name).lowercased(), TextBytes.text(value))
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

extension CheckOptions {
    /// Reads `skip=A,B;experimental=all;error=true` (DIR-8), the value of a directive or of a build argument.
    package init(parsing text: String) throws(BuildError) {
        self.init()
        let trimmed = TextBytes.trimmed(Array(text.utf8))
        if trimmed.isEmpty { return }
        for option in trimmed.split(separator: UInt8(ascii: ";"), maxSplits: 2, omittingEmptySubsequences: false) {
            guard let equals = option.firstIndex(of: UInt8(ascii: "=")) else {
                throw Self.failure("invalid check option \(TextBytes.text(option).goQuoted)")
            }
            let key = TextBytes.text(TextBytes.trimmed(option[..<equals]))
            let value = TextBytes.trimmed(option[(equals + 1)...])
            switch key {
            case "skip":
                if value.elementsEqual("all".utf8) { skipAll = true } else { skip = Self.rules(value) }
            case "experimental":
                if value.elementsEqual("all".utf8) { experimentalAll = true } else { experimental = Self.rules(value) }
            case "error":
                let word = TextBytes.text(value)
                guard let flag = Self.boolean(word) else {
                    let reason = "strconv.ParseBool: parsing \(word.goQuoted): invalid syntax"
                    throw Self.failure("failed to parse check option \(TextBytes.text(option).goQuoted): \(reason)")
                }
                error = flag
            default:
                throw Self.failure("invalid check option \(key.goQuoted)")
            }
        }
    }

    private static func failure(_ reason: String) -> BuildError {
        BuildError("failed to parse check options: " + reason)
    }

    private static func rules(_ list: ArraySlice<UInt8>) -> Set<String> {
        let names = list.split(separator: UInt8(ascii: ",")).map { TextBytes.text(TextBytes.trimmed($0)) }
        return Set(names.filter { !$0.isEmpty })
    }

    private static func boolean(_ word: String) -> Bool? {
        switch word {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: nil
        }
    }
}
