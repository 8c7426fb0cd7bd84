import ImgBuilder
import ImgOCI
import ImgReport

/// `--metadata-file`: buildx's keys, so that CI actions work unchanged (OUT-1), and a section of ours.
struct Metadata {
    let json: JSON

    init(_ result: BuildResult) {
        var root = result.root
        root.platform = nil
        var object = JSONObject()
        if result.images.count == 1, !result.root.mediaType.isIndex, let image = result.images.first {
            object["containerimage.config.digest"] = .string(image.config.digest.description)
        }
        object["containerimage.descriptor"] = root.json
        object["containerimage.digest"] = .string(result.root.digest.description)
        if !result.names.isEmpty {
            object["image.name"] = .string(result.names.map(\.normalized).joined(separator: ","))
        }
        object["imgbuild.platforms"] = .array(result.images.map(Self.platform))
        if !result.warnings.isEmpty { object["imgbuild.warnings"] = .array(result.warnings.map(\.json)) }
        json = .object(object)
    }

    private static func platform(_ image: BuiltImage) -> JSON {
        var object = JSONObject()
        object["platform"] = .string(image.platform.description)
        object["digest"] = .string(image.manifest.digest.description)
        object["config"] = .string(image.config.digest.description)
        object["layers"] = .array(
            image.layers.enumerated()
                .map { index, layer in
                    .object(
                        JSONObject([
                            ("digest", .string(layer.digest.description)), ("size", .integer(layer.size)),
                            ("mediaType", .string(layer.mediaType.rawValue)),
                            ("base", .bool(index < image.baseLayerCount)),
                        ])
                    )
                }
        )
        object["checks"] = .object(
            JSONObject([
                ("verdict", .string(Verdict(image).rawValue)),
                ("findings", .array(image.findings.map(\.json))),
            ])
        )
        return .object(object)
    }
}

/// The worst of some findings in a word.
enum Verdict: String {
    case ok
    case warn
    case fail
    /// Nothing was looked at.
    case off

    init(_ image: BuiltImage) {
        self = image.isChecked ? Verdict(image.findings) : .off
    }

    init(_ findings: [Diagnostic]) {
        if findings.contains(where: { $0.severity == .error }) {
            self = .fail
        } else {
            self = findings.contains { $0.severity == .warning } ? .warn : .ok
        }
    }
}

extension Diagnostic {
    /// The form that `--metadata-file` and `--json` outputs share.
    var json: JSON {
        var object = JSONObject()
        object["rule"] = rule.map(JSON.string)
        object["severity"] = .string(severity.rawValue)
        object["message"] = .string(message)
        if let range {
            object["file"] = .string(range.file.name)
            object["line"] = .integer(Int64(range.startLine))
            object["endLine"] = .integer(Int64(range.endLine))
        }
        if !notes.isEmpty { object["notes"] = .strings(notes) }
        if !hints.isEmpty { object["remedy"] = .string(hints.joined(separator: "; ")) }
        object["url"] = url.map(JSON.string)
        return .object(object)
    }
}
