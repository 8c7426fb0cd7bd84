/// Whether a value is a secret or stands for one.
enum SecretValue {
    /// Empty, a reference to elsewhere, or what authors write for others to fill in.
    static func isPlaceholder(_ value: String) -> Bool {
        guard let first = value.utf8.first else { return true }
        if references.contains(first) || schemes.contains(where: value.hasPrefix) { return true }
        // xxxxxxxx, ********, 00000000
        if Set(value.utf8).count < 3 { return true }
        let text = value.lowercased()
        return words.contains { text.contains($0) } || exact.contains(text)
    }

    /// `$VARIABLE`, `{{ template }}`, `<your key>`, `%VARIABLE%`, a path.
    private static let references = Set("${<%[/~.".utf8)

    /// Secrets that are kept elsewhere, or encrypted.
    private static let schemes = ["op://", "vault:", "arn:", "ssm:", "file:", "encrypted:", "ENC["]

    private static let words = [
        "example", "changeme", "change-me", "change_me", "change this", "changethis", "your", "placeholder", "replace",
        "insert",
        "dummy", "sample", "fake", "test", "redacted", "omitted", "xxxx", "****", "todo", "notasecret", "not-a-secret",
    ]

    private static let exact: Set = [
        "password", "passwd", "secret", "token", "none", "null", "nil", "true", "false", "undefined", "12345678",
        "123456789",
    ]

    /// Whether there is a URL with a password, `https://user:password@host`.
    static func holdsPassword(url text: String) -> Bool {
        guard let scheme = text.firstRange(of: "://") else { return false }
        let authority = text[scheme.upperBound...].prefix { $0 != "/" && !$0.isWhitespace && $0 != "\"" && $0 != "'" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return false
        }
        return !isPlaceholder(String(authority[authority.index(after: colon)..<at]))
    }
}

/// Whether a variable holds a secret, by its name and value.
enum SecretVariable {
    /// What people choose may be short; what programs make is not.
    private static let shortestChosen = 8
    private static let shortestMade = 16
    private static let longestName = 64

    static func isSecret(_ name: String, _ value: String) -> Bool {
        guard name.utf8.count <= longestName, name.utf8.allSatisfy(\.isOfName) else { return false }
        if SecretValue.holdsPassword(url: value) { return true }
        guard value.utf8.count >= shortestChosen, !SecretValue.isPlaceholder(value) else { return false }
        let words = name.uppercased().split { $0 == "_" || $0 == "-" || $0 == "." }
        guard let last = words.last, !words.contains(where: { harmless.contains(String($0)) }) else { return false }
        if chosen.contains(where: last.hasSuffix) { return true }
        let isMade = made.contains(where: last.hasSuffix) || words.suffix(3).elementsEqual(["SECRET", "KEY", "BASE"])
        return isMade
            && (value.hasPrefix("-----BEGIN ")
                || value.utf8.count >= shortestMade && value.utf8.contains { (0x30...0x39).contains($0) })
    }

    private static let chosen = ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET"]
    private static let made = ["KEY", "TOKEN"]

    /// Keys for everybody; those of VITE and its like are compiled into web pages.
    private static let harmless: Set = ["PUBLIC", "PUBLISHABLE", "ANON", "SITE", "VITE", "REACT", "VUE", "GATSBY"]
}

extension UInt8 {
    fileprivate var isOfName: Bool {
        switch self {
        case 0x2d, 0x2e, 0x30...0x39, 0x41...0x5a, 0x5f, 0x61...0x7a: true
        default: false
        }
    }
}
