import ImgDockerfile
import ImgReport

/// Comments of a Dockerfile that configure the static checks: `# imgbuild: NAME=VALUE`, one a line, for the whole file.
struct CheckDirectives: Sendable {
    private(set) var platformCheck: CheckLevel?
    private(set) var startCheck: CheckLevel?
    private(set) var secretCheck: CheckLevel?
    /// Globs of image paths that the architecture check leaves alone.
    private(set) var platformExceptions: [String] = []
    /// Globs of image paths that the search for secrets leaves alone.
    private(set) var secretExceptions: [String] = []
    /// Directives that say nothing known; a silent typing error would look like a check that does not work.
    private(set) var diagnostics: [Diagnostic] = []

    private static let names = [
        "platform-check", "platform-check-allow", "start-check", "secret-check", "secret-check-allow",
    ]

    init(_ dockerfile: Dockerfile) {
        let file = dockerfile.file
        var instructions = dockerfile.instructions.map { $0.range.startLine...$0.range.endLine }[...]
        for (place, line) in file.bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            let number = place + 1
            while let first = instructions.first, first.upperBound < number { instructions.removeFirst() }
            // Within an instruction a line that looks so may be part of a heredoc.
            if let first = instructions.first, first.contains(number) { continue }
            guard let text = Self.directive(line) else { continue }
            read(text, at: SourceRange(file: file, lines: number...number))
        }
    }

    /// What stands behind `# imgbuild:`.
    private static func directive(_ line: ArraySlice<UInt8>) -> String? {
        let text = String(decoding: line, as: UTF8.self).drop(while: \.isWhitespace)
        guard text.first == "#" else { return nil }
        let comment = text.dropFirst().drop(while: \.isWhitespace)
        guard comment.hasPrefix("imgbuild:") else { return nil }
        let rest = comment.dropFirst("imgbuild:".count).drop(while: \.isWhitespace)
        return String(rest.reversed().drop(while: \.isWhitespace).reversed())
    }

    private mutating func read(_ text: String, at range: SourceRange) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let value = parts.count == 2 ? parts[1] : ""
        switch parts[0] {
        case "platform-check-allow" where !value.isEmpty: platformExceptions.append(value)
        case "secret-check-allow" where !value.isEmpty: secretExceptions.append(value)
        case "platform-check": platformCheck = level(value, text, range) ?? platformCheck
        case "start-check": startCheck = level(value, text, range) ?? startCheck
        case "secret-check": secretCheck = level(value, text, range) ?? secretCheck
        default:
            let known = Self.names.joined(separator: ", ")
            let nearest = Suggestion.nearest(parts[0], among: Self.names, ignoringCase: true)
            reject(text, range, nearest.map { "did you mean \($0)?" } ?? "known names are \(known)")
        }
    }

    private mutating func level(_ value: String, _ text: String, _ range: SourceRange) -> CheckLevel? {
        guard let level = CheckLevel(rawValue: value) else {
            reject(text, range, "the value is error, warn or off")
            return nil
        }
        return level
    }

    private mutating func reject(_ text: String, _ range: SourceRange, _ hint: String) {
        diagnostics.append(
            Diagnostic(
                .warning,
                "the comment \"imgbuild: \(text)\" has no effect",
                rule: "unknown-directive",
                at: range,
                hints: [hint]
            )
        )
    }
}
