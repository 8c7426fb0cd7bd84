import ImgOCI
import ImgReport

/// Docker's `config.json` or a file of the same form, as far as registries are concerned (CFG-2).
struct DockerConfig: Sendable {
    /// Where the text came from, for messages: a path, or the name of a variable.
    var origin: String
    /// Registry keys and their entries in file order.
    var auths: [(key: String, entry: DockerAuthEntry)] = []
    /// The helper asked for every host, by its suffix.
    var credentialStore: String?
    /// Helpers for single hosts, by their suffixes.
    var credentialHelpers: [(key: String, suffix: String)] = []
    /// Headers for registries; never `User-Agent` or `Authorization`.
    var headers: [CredentialHeader] = []

    /// An empty configuration.
    init(origin: String) {
        self.origin = origin
    }

    /// - Parameter isFlat: True for `~/.dockercfg`, which is the `auths` object alone.
    /// - Throws: A ``BuildError`` that names the file, line and column of what is wrong (CFG-1).
    init(parsing bytes: [UInt8], origin: String, isFlat: Bool = false) throws(BuildError) {
        self.origin = origin
        guard !bytes.trimmingSpace().isEmpty else { return }
        let object = try Self.object(bytes, origin: origin)
        if isFlat {
            auths = try Self.entries(object, origin)
            return
        }
        if let value = try Self.member("auths", of: object, origin) { auths = try Self.entries(value, origin) }
        if let value = try Self.member("credHelpers", of: object, origin) {
            credentialHelpers = try Self.strings(value, "credHelpers", origin)
        }
        if let value = try Self.member("HttpHeaders", of: object, origin) {
            headers = try Self.strings(value, "HttpHeaders", origin)
                .filter { !["user-agent", "authorization"].contains($0.key.lowercased()) }
                .map { CredentialHeader($0.key, $0.suffix) }
        }
        credentialStore = object["credsStore"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Parses the outermost object.
    static func object(_ bytes: [UInt8], origin: String) throws(BuildError) -> JSONObject {
        let json: JSON
        do throws(JSONError) {
            json = try JSON.parse(bytes)
        } catch {
            let before = bytes.prefix(error.offset)
            let line = before.count { $0 == 0x0a } + 1
            let column = before.reversed().prefix { $0 != 0x0a }.count + 1
            throw malformed(origin, "line \(line), column \(column) (byte \(error.offset)): \(error.message)")
        }
        guard let object = json.objectValue else { throw malformed(origin, "the outermost value is not an object") }
        return object
    }

    static func malformed(_ origin: String, _ reason: String) -> BuildError {
        BuildError(
            .denied,
            "invalid credential configuration \(origin): \(reason)",
            hints: ["correct \(origin), or move it away"]
        )
    }

    private static func member(
        _ name: String,
        of object: JSONObject,
        _ origin: String
    ) throws(BuildError) -> JSONObject? {
        switch object[name] {
        case nil, .null?: return nil
        case .object(let value)?: return value
        default: throw malformed(origin, "`\(name)` is not an object")
        }
    }

    private static func strings(
        _ object: JSONObject,
        _ name: String,
        _ origin: String
    ) throws(BuildError) -> [(key: String, suffix: String)] {
        var result: [(key: String, suffix: String)] = []
        for (key, value) in object.members {
            guard let text = value.stringValue else { throw malformed(origin, "`\(name)`: `\(key)` is not a string") }
            result.append((key, text))
        }
        return result
    }

    private static func entries(
        _ object: JSONObject,
        _ origin: String
    ) throws(BuildError) -> [(key: String, entry: DockerAuthEntry)] {
        var result: [(key: String, entry: DockerAuthEntry)] = []
        for (key, value) in object.members {
            guard let members = value.objectValue else { throw malformed(origin, "`auths`: `\(key)` is not an object") }
            result.append((key, DockerAuthEntry(members)))
        }
        return result
    }
}

extension DockerConfig {
    /// The credential that a plain entry gives; empty entries are markers for a store and count as absent (CFG-8).
    /// - Throws: A ``BuildError`` that names the key when its `auth` can't be read.
    func storedCredential(for key: RegistryKey) throws(BuildError) -> Credential? {
        for name in key.matches(among: auths.map(\.key)) {
            guard let entry = auths.first(where: { $0.key == name })?.entry else { continue }
            do {
                if let credential = try entry.credential() { return credential }
            } catch {
                throw Self.malformed(origin, "the entry `\(name)` \(error.reason)")
            }
        }
        return nil
    }

    /// The helper that is configured for this very host, and the key to ask it for (HLP-2).
    func hostHelper(for key: RegistryKey) -> (suffix: String, serverKey: String)? {
        guard let name = key.match(among: credentialHelpers.map(\.key)),
            let suffix = credentialHelpers.first(where: { $0.key == name })?.suffix, !suffix.isEmpty
        else { return nil }
        return (suffix, key.isHub ? RegistryKey.hubKey : name)
    }

    /// Whether anything is said about credentials.
    var mentionsCredentials: Bool {
        !auths.isEmpty || credentialStore != nil || !credentialHelpers.isEmpty
    }
}
