import ImgOCI
import ImgReport

/// Docker's `config.json` for editing: what isn't touched keeps its value and its place (LOG-4).
struct DockerConfigDocument: Sendable {
    var root: JSONObject

    /// - Parameter bytes: Empty for a file that doesn't exist.
    init(_ bytes: [UInt8], origin: String) throws(BuildError) {
        root = bytes.trimmingSpace().isEmpty ? JSONObject() : try DockerConfig.object(bytes, origin: origin)
        if let auths = root["auths"], auths != .null, auths.objectValue == nil {
            throw DockerConfig.malformed(origin, "`auths` is not an object")
        }
    }

    /// Replaces the secrets of an entry; other members of it stay.
    mutating func setEntry(_ secrets: JSONObject, for key: String) {
        var auths = root["auths"]?.objectValue ?? JSONObject()
        var entry = auths[key]?.objectValue ?? JSONObject()
        for name in ["auth", "username", "password", "identitytoken", "registrytoken"] { entry[name] = secrets[name] }
        auths[key] = .object(entry)
        root["auths"] = .object(auths)
    }

    mutating func removeEntry(_ key: String) {
        guard var auths = root["auths"]?.objectValue else { return }
        auths[key] = nil
        root["auths"] = .object(auths)
    }

    /// Indented by tabs, as Docker writes it.
    func encoded() -> [UInt8] {
        // Line ends stand between values only: those within strings are escaped.
        var out: [UInt8] = []
        var isIndentation = false
        for byte in JSON.object(root).encoded(indent: 1) {
            if byte == UInt8(ascii: "\n") {
                isIndentation = true
            } else if byte != UInt8(ascii: " ") {
                isIndentation = false
            }
            out.append(isIndentation && byte == UInt8(ascii: " ") ? UInt8(ascii: "\t") : byte)
        }
        return out + [UInt8(ascii: "\n")]
    }
}
