import ImgReport

/// How a failure or a finding is printed: excerpt with a caret, message, facts, remedies.
struct ErrorText {
    let lines: [String]

    /// Warnings first, so that what the command failed of stands last (ERR-8).
    init(_ error: BuildError) {
        let warnings = error.diagnostics.filter { $0.severity != .error }
        let errors = error.diagnostics.filter { $0.severity == .error }
        let all = warnings + errors
        lines = all.indices.flatMap { ErrorText(all[$0], after: $0 == 0 ? nil : all[$0 - 1]).lines }
    }

    /// The place comes first, as people read it (ERR-2), then one line with what failed, then facts and hints.
    ///
    /// - Parameter previous: What is printed right before; the excerpt is not repeated for the same place.
    init(_ diagnostic: Diagnostic, after previous: Diagnostic? = nil) {
        var lines: [String] = []
        if let range = diagnostic.range, previous?.range != range || previous?.focus != diagnostic.focus {
            lines += Self.excerpt(range, focus: diagnostic.focus)
        }
        let rule = diagnostic.rule.map { "\($0): " } ?? ""
        let place = diagnostic.range.map { "\($0.file.name):\($0.startLine): " } ?? ""
        let label = diagnostic.severity == .error ? "error" : diagnostic.severity.rawValue
        lines.append("\(label): \(place)\(rule)\(diagnostic.message)")
        lines += diagnostic.notes.flatMap { $0.split(separator: "\n").map { "  \($0)" } }
        lines += diagnostic.hints.map { "  hint: \($0)" }
        if let url = diagnostic.url { lines.append("  see: \(url)") }
        self.lines = lines
    }

    /// The lines of a range with a little context, marked, and a caret under a part of a single line.
    ///
    /// - Parameter focus: The part; without it the range itself, if that is less than a line.
    static func excerpt(_ range: SourceRange, focus: SourceRange? = nil) -> [String] {
        let first = range.startLine
        let last = range.endLine
        let part = focus ?? range
        let margin = first == last ? 2 : 1
        let rule = String(repeating: "-", count: 20)
        var lines = ["\(range.file.name):\(first)", rule]
        for line in max(1, first - margin)...min(range.file.lineCount, last + margin) {
            let number = String(line)
            let padded = String(repeating: " ", count: max(0, 3 - number.utf8.count)) + number
            let isMarked = (first...last).contains(line)
            let text = range.file.text(ofLine: line)
            lines.append(" \(padded) | \(isMarked ? ">>> " : "    ")\(text)")
            if isMarked, part.startLine == line, part.endLine == line, let caret = Self.caret(part, under: text) {
                lines.append("     |     \(caret)")
            }
        }
        return lines + [rule]
    }

    /// Nil when the range is the whole line: a caret under everything says nothing.
    private static func caret(_ range: SourceRange, under text: String) -> String? {
        let start = range.startColumn - 1
        let bytes = Array(text.utf8)
        let width = min(range.upperBound - range.lowerBound, bytes.count - start)
        let trimmed = bytes.drop { $0 == 0x20 || $0 == 0x09 }
        guard start >= 0, width > 0, width < trimmed.count else { return nil }
        let lead = String(decoding: bytes[..<start], as: UTF8.self).unicodeScalars
        let marked = String(decoding: bytes[start..<(start + width)], as: UTF8.self).unicodeScalars.count
        let spaces = lead.map { $0 == "\t" ? "\t" : " " }.joined()
        return spaces + String(repeating: "^", count: marked)
    }
}
