/// The sections of an AWS configuration or credentials file (AWS-5).
struct AWSConfigFile: Hashable, Sendable {
    /// Keys of a section in lower case; nested ones as `outer.inner`.
    typealias Section = [String: String]

    private(set) var sections: [String: Section] = [:]

    /// Lines that make no sense are skipped, as the SDKs do.
    init(parsing bytes: [UInt8] = []) {
        var section: String?
        var outer: String?
        let text = String(decoding: bytes, as: UTF8.self)
        for line in text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline) {
            let content = line.trimmed()
            guard let first = content.first, first != "#", first != ";" else { continue }
            if first == "[" {
                section = Self.sectionName(content)
                outer = nil
                if let section { sections[section, default: [:]].merge([:]) { $1 } }
                continue
            }
            guard let section, let equals = content.firstIndex(of: "=") else { continue }
            let key = content[..<equals].trimmed().lowercased()
            let value = Self.withoutComment(content[content.index(after: equals)...].trimmed())
            let isIndented = line.first == " " || line.first == "\t"
            if isIndented, let outer {
                sections[section]?["\(outer).\(key)"] = value
            } else {
                sections[section]?[key] = value
                // A key without a value opens a block of indented ones.
                outer = value.isEmpty ? key : nil
            }
        }
    }

    /// `[profile x]` -> `profile x`, inner runs of space collapsed.
    private static func sectionName(_ line: String) -> String? {
        guard let end = line.firstIndex(of: "]") else { return nil }
        let name = line[line.index(after: line.startIndex)..<end]
        return name.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private static func withoutComment(_ value: String) -> String {
        var end = value.endIndex
        for marker in [" #", " ;", "\t#", "\t;"] {
            if let range = value.firstRange(of: marker), range.lowerBound < end { end = range.lowerBound }
        }
        // `key = # comment` leaves the comment at the start of the trimmed value.
        if let first = value.first, first == "#" || first == ";" { return "" }
        return value[..<end].trimmed()
    }
}

/// The profiles of both files, merged; the credentials file wins key by key (AWS-5).
struct AWSProfiles: Hashable, Sendable {
    private let profiles: [String: AWSConfigFile.Section]
    private let sessions: [String: AWSConfigFile.Section]
    private let services: [String: AWSConfigFile.Section]

    init(config: AWSConfigFile, credentials: AWSConfigFile) {
        var profiles: [String: AWSConfigFile.Section] = [:]
        var sessions: [String: AWSConfigFile.Section] = [:]
        var services: [String: AWSConfigFile.Section] = [:]
        for (header, keys) in config.sections {
            let words = header.split(separator: " ", maxSplits: 1).map(String.init)
            switch (words.first, words.count) {
            case ("profile", 2): profiles[Self.unquoted(words[1]), default: [:]].merge(keys) { $1 }
            case ("sso-session", 2): sessions[Self.unquoted(words[1])] = keys
            case ("services", 2): services[Self.unquoted(words[1])] = keys
            case ("default", 1) where config.sections["profile default"] == nil: profiles["default"] = keys
            default: break
            }
        }
        for (name, keys) in credentials.sections { profiles[name, default: [:]].merge(keys) { $1 } }
        self.profiles = profiles
        self.sessions = sessions
        self.services = services
    }

    var names: [String] { profiles.keys.sorted() }

    func profile(_ name: String) -> AWSProfile? {
        profiles[name].map { AWSProfile(name: name, keys: $0) }
    }

    func session(_ name: String) -> AWSConfigFile.Section? { sessions[name] }

    /// The endpoint that a profile's `services` section gives for one service (ECR-8).
    func serviceEndpoint(_ service: String, of profile: AWSProfile) -> String? {
        profile["services"].flatMap { services[$0]?["\(service).endpoint_url"] }
    }

    private static func unquoted(_ name: String) -> String {
        name.count >= 2 && name.first == name.last && (name.first == "\"" || name.first == "'")
            ? String(name.dropFirst().dropLast()) : name
    }
}

/// One named profile.
struct AWSProfile: Hashable, Sendable {
    let name: String
    private let keys: AWSConfigFile.Section

    init(name: String, keys: AWSConfigFile.Section) {
        self.name = name
        self.keys = keys
    }

    /// A value that is there and not empty.
    subscript(key: String) -> String? { keys[key].flatMap { $0.isEmpty ? nil : $0 } }

    var hasStaticKeys: Bool { self["aws_access_key_id"] != nil && self["aws_secret_access_key"] != nil }
}
