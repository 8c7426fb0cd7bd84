package import ImgReport

/// A git repository at some commit (§10.3).
package struct GitReference: Sendable, Hashable {
    /// What git fetches from, without query and fragment.
    package var remote: String
    /// Branch, tag or commit; nil is the default branch.
    package var ref: String?
    /// Relative and not cleaned; nil is the whole tree.
    package var subdir: String?
    package var submodules = true
    package var keepGitDir: Bool?
    /// The start of the commit ID.
    package var checksum: String?

    package init(remote: String) {
        self.remote = remote
    }

    /// nil when the text is no git reference (GIT-1).
    /// - Throws: When it is one with a faulty query (GIT-2).
    package init?(recognising text: String) throws(BuildError) {
        if text.hasPrefix("./") || text.hasPrefix("../") { return nil }
        var rest = Substring(text)
        var fragment: Substring?
        if let hash = rest.firstIndex(of: "#") {
            fragment = rest[rest.index(after: hash)...]
            rest = rest[..<hash]
        }
        var query: Substring?
        if let mark = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: mark)...]
            rest = rest[..<mark]
        }
        guard Self.isRemote(rest) else { return nil }
        remote = String(rest)
        if let fragment {
            let parts = fragment.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            ref = parts[0].isEmpty ? nil : String(parts[0])
            subdir = parts.count == 2 && !parts[1].isEmpty ? String(parts[1]) : nil
        }
        if let query { try apply(query: query) }
    }

    private static func isRemote(_ text: Substring) -> Bool {
        if text.hasPrefix("git://") || text.hasPrefix("ssh://") { return true }
        for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
            // The host may end in anything.
            guard let path = text.dropFirst(scheme.count).firstIndex(of: "/") else { return false }
            return String(text[path...]).removingPercentEncoding.hasSuffix(".git")
        }
        // scp style: user@host:path
        guard !text.contains("://"), let at = text.firstIndex(of: "@"), at != text.startIndex,
            let colon = text[at...].firstIndex(of: ":")
        else { return false }
        let host = text[text.index(after: at)..<colon]
        return text[..<at].utf8.allSatisfy { $0.isNameByte } && !host.isEmpty
            && host.utf8.allSatisfy { $0.isNameByte || $0 == UInt8(ascii: ".") }
    }

    private mutating func apply(query: Substring) throws(BuildError) {
        var seen: Set<String> = []
        var named: (key: String, value: String)?
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = String(parts[0]).removingPercentEncoding
            let value = parts.count == 2 ? String(parts[1]).removingPercentEncoding : ""
            guard seen.insert(key).inserted else { throw BuildError("query \"\(key)\" has multiple values") }
            switch key {
            case "ref", "tag", "branch":
                if let named, named.value != value {
                    throw BuildError("\(key) \"\(value)\" conflicts with \(named.key) \"\(named.value)\"")
                }
                if let ref, ref != value { throw BuildError("ref conflicts: \"\(ref)\" vs \"\(value)\"") }
                named = (key, value)
                let prefix = ["tag": "refs/tags/", "branch": "refs/heads/"][key] ?? ""
                ref = value.isEmpty ? nil : value.hasPrefix(prefix) ? value : prefix + value
            case "subdir":
                if let subdir, subdir != value { throw BuildError("subdir conflicts: \"\(subdir)\" vs \"\(value)\"") }
                subdir = value.isEmpty ? nil : value
            case "checksum", "commit":
                if let checksum, checksum != value {
                    throw BuildError("checksum conflicts: \"\(checksum)\" vs \"\(value)\"")
                }
                checksum = value.isEmpty ? nil : value
            case "keep-git-dir": keepGitDir = try Self.boolean(value, key)
            case "submodules": submodules = try Self.boolean(value, key)
            case "fetch-by-commit": _ = try Self.boolean(value, key)
            case "mtime":
                // Checkouts always take the commit's time here, so that they can be repeated.
                guard value == "commit" || value == "checkout" else {
                    throw BuildError("invalid mtime value \"\(value)\", must be one of \"checkout\" or \"commit\"")
                }
            default: throw BuildError("unexpected query \"\(key)\"")
            }
        }
    }

    private static func boolean(_ value: String, _ key: String) throws(BuildError) -> Bool {
        if value.isEmpty { return true }
        guard let result = Bool(goText: value) else { throw BuildError("invalid \(key) value: \"\(value)\"") }
        return result
    }
}
