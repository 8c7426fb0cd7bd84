import ImgBuilder
import ImgOCI
import ImgReport

/// The answer of `--call=outline`, laid out as buildx does it.
struct OutlineText {
    let lines: [String]

    init(_ report: OutlineReport, format: CallMethod.Format) {
        lines = format == .json ? Self.json(report).lines : Self.text(report)
    }

    private static func text(_ report: OutlineReport) -> [String] {
        var lines: [String] = []
        if report.name != nil || report.description != nil {
            var rows = [["TARGET:", report.name ?? "(default)"]]
            if let description = report.description { rows.append(["DESCRIPTION:", description]) }
            lines += TextTable.lines(rows) + [""]
        }
        if !report.arguments.isEmpty {
            let rows = report.arguments.map { [$0.name, $0.value ?? "", $0.description ?? ""] }
            lines += TextTable.lines([["BUILD ARG", "VALUE", "DESCRIPTION"]] + rows) + [""]
        }
        return lines
    }

    private static func json(_ report: OutlineReport) -> JSON {
        var object = JSONObject()
        object["name"] = report.name.map(JSON.string)
        object["description"] = report.description.map(JSON.string)
        if !report.arguments.isEmpty {
            object["args"] = .array(
                report.arguments.map { argument in
                    var entry = JSONObject([("name", .string(argument.name))])
                    entry["description"] = argument.description.map(JSON.string)
                    entry["value"] = argument.value.flatMap { $0.isEmpty ? nil : .string($0) }
                    entry["location"] = argument.range.locationJSON
                    return .object(entry)
                }
            )
        }
        object["sources"] = report.dockerfile.sourcesJSON
        return .object(object)
    }
}

/// The answer of `--call=targets`, laid out as buildx does it.
struct TargetsText {
    let lines: [String]

    init(_ report: TargetsReport, format: CallMethod.Format) {
        lines = format == .json ? Self.json(report).lines : Self.text(report)
    }

    private static func text(_ report: TargetsReport) -> [String] {
        let rows = report.targets.map { target in
            let words = [target.name, target.isDefault ? "(default)" : nil].compactMap(\.self)
            return [words.joined(separator: " "), target.description ?? ""]
        }
        return TextTable.lines([["TARGET", "DESCRIPTION"]] + rows)
    }

    private static func json(_ report: TargetsReport) -> JSON {
        let targets = report.targets.map { target in
            var entry = JSONObject()
            entry["name"] = target.name.map(JSON.string)
            if target.isDefault { entry["default"] = .bool(true) }
            entry["description"] = target.description.map(JSON.string)
            entry["base"] = .string(target.base)
            entry["platform"] = target.platform.map(JSON.string)
            entry["location"] = target.range.locationJSON
            return JSON.object(entry)
        }
        return .object(JSONObject([("targets", .array(targets)), ("sources", report.dockerfile.sourcesJSON)]))
    }
}

extension SourceRange {
    /// Lines, in the form of BuildKit's source locations.
    fileprivate var locationJSON: JSON {
        func position(_ line: Int) -> JSON { .object(JSONObject([("line", .integer(Int64(line)))])) }
        let range = JSON.object(JSONObject([("start", position(startLine)), ("end", position(endLine))]))
        return .object(JSONObject([("ranges", .array([range]))]))
    }
}

extension SourceFile {
    /// The texts that locations point into, as base64.
    fileprivate var sourcesJSON: JSON { .array([.string(Base64.encode(bytes))]) }
}
