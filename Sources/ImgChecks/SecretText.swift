import ImgOCI

/// Readers of the files in which programs keep credentials; each knows the one format.
enum SecretText {
    /// Variables that are named in a finding.
    private static let namedVariables = 3

    /// `.env` and what shells read.
    @Sendable static func variables(_ text: [UInt8]) -> CopiedSecret? {
        var names: [String] = []
        for (name, value) in Assignments.read(text, "=")
        where SecretVariable.isSecret(name, value) && !names.contains(name) {
            names.append(name)
        }
        guard !names.isEmpty else { return nil }
        let others = names.count - namedVariables
        return CopiedSecret(
            .variables,
            names.prefix(namedVariables).joined(separator: ", ") + (others > 0 ? " and \(others) more" : "")
        )
    }

    @Sendable static func aws(_ text: [UInt8]) -> CopiedSecret? {
        let keys: Set = ["aws_secret_access_key", "aws_session_token"]
        return first(of: keys, in: text, "=").map { CopiedSecret(.aws, $0) } ?? awsPair(text)
    }

    @Sendable static func npm(_ text: [UInt8]) -> CopiedSecret? {
        for (key, value) in Assignments.read(text, "=") {
            // `//registry.npmjs.org/:_authToken`
            let name = String(key.split(separator: ":").last ?? "")
            if ["_authToken", "_auth", "_password"].contains(name), !SecretValue.isPlaceholder(value) {
                return CopiedSecret(.npm, name)
            }
        }
        return nil
    }

    @Sendable static func pypi(_ text: [UInt8]) -> CopiedSecret? {
        (first(of: ["password"], in: text, "=") ?? first(of: ["password"], in: text, ":")).map { _ in .init(.pypi) }
    }

    @Sendable static func kubernetes(_ text: [UInt8]) -> CopiedSecret? {
        let keys: Set = ["client-key-data", "token", "password", "id-token", "refresh-token"]
        return first(of: keys, in: text, ":").map { CopiedSecret(.kubernetes, $0) }
    }

    /// `machine example.com login user password …`, with any white space between the words.
    @Sendable static func netrc(_ text: [UInt8]) -> CopiedSecret? {
        let words = text.split { $0 <= 0x20 }.map { String(decoding: $0, as: UTF8.self) }
        let isSecret = zip(words, words.dropFirst()).contains { $0 == "password" && !SecretValue.isPlaceholder($1) }
        return isSecret ? CopiedSecret(.netrc) : nil
    }

    /// `.git-credentials`, and the configuration of a repository, where CI systems leave the token of the checkout.
    @Sendable static func git(_ text: [UInt8]) -> CopiedSecret? {
        for line in text.split(separator: 0x0a) {
            let line = String(decoding: line, as: UTF8.self)
            if SecretValue.holdsPassword(url: line) { return CopiedSecret(.git) }
            if line.lowercased().contains("extraheader"), line.lowercased().contains("authorization:") {
                return CopiedSecret(.git, "extraheader")
            }
        }
        return nil
    }

    /// `config.json`, whose older form is what stands in `auths`.
    @Sendable static func docker(_ text: [UInt8]) -> CopiedSecret? {
        guard let json = try? JSON.parse(text), let registries = (json["auths"] ?? json).objectValue else { return nil }
        let isSecret = registries.members.contains { _, login in
            ["auth", "identitytoken", "registrytoken", "password"]
                .contains { login[$0]?.stringValue.map { !SecretValue.isPlaceholder($0) } ?? false }
        }
        return isSecret ? CopiedSecret(.docker) : nil
    }

    @Sendable static func google(_ text: [UInt8]) -> CopiedSecret? {
        PrivateKeyText.find(in: text).map { _ in CopiedSecret(.google) }
    }

    @Sendable static func repository(_ text: [UInt8]) -> CopiedSecret? {
        let isHead = text.starts(with: "ref: ".utf8) || text.prefix { $0 > 0x20 }.count >= 40
        return isHead ? CopiedSecret(.repository) : nil
    }

    /// Settings of any program.
    @Sendable static func settings(_ text: [UInt8]) -> CopiedSecret? { awsPair(text) ?? PrivateKeyText.find(in: text) }

    /// The first of some keys that has a value.
    private static func first(of keys: Set<String>, in text: [UInt8], _ separator: Character) -> String? {
        Assignments.read(text, separator).first { keys.contains($0.key) && !SecretValue.isPlaceholder($0.value) }?.key
    }
}

// MARK: - AWS

extension SecretText {
    /// Of keys that last; temporary ones, `ASIA…`, are over before most images are pulled.
    private static let prefix = Array("AKIA".utf8)
    private static let identifierLength = 20
    private static let secretLength = 40
    /// How far from each other an identifier and its secret stand at most.
    private static let reach = 256

    /// An access key with its secret next to it, in whatever format; the identifier alone is none.
    @Sendable static func awsPair(_ text: [UInt8]) -> CopiedSecret? {
        var rest = text[...]
        while let start = rest.place(of: prefix) {
            rest = rest[(start + prefix.count)...]
            let end = start + identifierLength
            guard end <= text.count, text[start..<end].allSatisfy(\.isUpperOrDigit),
                start == 0 || !text[start - 1].isBase64, end == text.count || !text[end].isBase64,
                !text[start..<end].ends(with: "EXAMPLE")
            else { continue }
            let before = text[max(0, start - reach)..<start]
            let after = text[end..<min(text.count, end + reach)]
            if holdsSecret(before) || holdsSecret(after) { return CopiedSecret(.aws, "access key") }
        }
        return nil
    }

    private static func holdsSecret(_ text: ArraySlice<UInt8>) -> Bool {
        text.split { !$0.isBase64 }
            .contains { word in
                word.count == secretLength && word.contains { (0x30...0x39).contains($0) }
                    && word.contains { (0x41...0x5a).contains($0) } && word.contains { (0x61...0x7a).contains($0) }
                    && !word.ends(with: "EXAMPLEKEY")
            }
    }
}

extension UInt8 {
    fileprivate var isUpperOrDigit: Bool { (0x30...0x39).contains(self) || (0x41...0x5a).contains(self) }
}
