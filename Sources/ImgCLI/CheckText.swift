import ImgBuilder
import ImgOCI
import ImgReport

/// The answer of `--check` (LINT-2), as text, JSON or annotations of GitHub Actions.
struct CheckText {
    let lines: [String]

    init(_ report: CheckReport, format: CallMethod.Format) {
        switch format {
        case .text: lines = Self.text(report)
        case .json: lines = Self.json(report).lines
        case .github: lines = Self.annotations(report)
        }
    }

    private static func text(_ report: CheckReport) -> [String] {
        if report.isClean { return ["Check complete, no warnings found."] }
        var lines: [String] = []
        if !report.warnings.isEmpty {
            let count = report.warnings.count
            lines.append("Check complete, \(count == 1 ? "1 warning has" : "\(count) warnings have") been found!")
        }
        for warning in report.warnings {
            let url = warning.url.map { " - \($0)" } ?? ""
            lines += ["", "WARNING: \(warning.rule ?? "warning")\(url)", warning.message]
            if let range = warning.range { lines += ErrorText.excerpt(range) }
            lines += warning.hints.map { "hint: \($0)" }
        }
        if let error = report.error { lines += [""] + ErrorText(error).lines }
        return lines
    }

    private static func json(_ report: CheckReport) -> JSON {
        var object = JSONObject()
        object["warnings"] = .array(report.warnings.map(\.json))
        if let error = report.error { object["errors"] = .array(error.diagnostics.map(\.json)) }
        return .object(object)
    }

    /// - SeeAlso: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>
    private static func annotations(_ report: CheckReport) -> [String] {
        (report.warnings + (report.error?.diagnostics ?? []))
            .map { diagnostic in
                var properties: [String] = []
                if let range = diagnostic.range {
                    properties += [
                        "file=\(property(range.file.name))", "line=\(range.startLine)", "endLine=\(range.endLine)",
                    ]
                }
                if let rule = diagnostic.rule { properties.append("title=\(property(rule))") }
                let name = diagnostic.severity == .note ? "notice" : diagnostic.severity.rawValue
                let text = ([diagnostic.message] + diagnostic.hints).joined(separator: "\n")
                return "::\(name)\(properties.isEmpty ? "" : " ")\(properties.joined(separator: ","))::\(data(text))"
            }
    }

    private static func data(_ text: String) -> String {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { TerminalText.line(String($0)).replacing("%", with: "%25") }.joined(separator: "%0A")
    }

    private static func property(_ text: String) -> String {
        data(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
    }
}
