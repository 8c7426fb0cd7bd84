/// A normalised image name with its tag or digest, Docker's way (REF-1…16).
///
/// - SeeAlso: <https://github.com/distribution/reference>
public struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    /// Host and port as written; `docker.io` when none was.
    public let domain: String
    /// Repository path, `library/` filled in for Docker Hub.
    public let path: String
    /// The tag; nil when none was written.
    public let tag: String?
    /// The digest; it selects when a tag is there too (REF-9).
    public let digest: Digest?

    /// Parses `[domain/]path[:tag][@digest]`.
    /// - Throws: ``ReferenceError`` with what to write instead, where that is known.
    public init(parsing text: String) throws(ReferenceError) {
        try Self.refuseUsualMistakes(text)
        var rest = Substring(text)
        var digest: Digest?
        if let at = rest.firstIndex(of: "@") {
            do {
                digest = try Digest(parsing: String(rest[rest.index(after: at)...]))
            } catch {
                throw ReferenceError(text, "invalid reference format: \(error)")
            }
            rest = rest[..<at]
        }
        let (domain, remainder) = Self.splitDomain(rest)
        var tag: String?
        var path = remainder
        if let colon = remainder.lastIndex(of: ":") {
            tag = String(remainder[remainder.index(after: colon)...])
            path = remainder[..<colon]
        }
        if let tag { try Self.check(tag: tag, in: text) }
        try Self.check(path: path, isOnHub: domain == nil || domain == "docker.io", in: text)
        if let domain { try Self.check(domain: domain, in: text) }
        try Self.refuseHost(inPlaceOf: path, at: domain, in: text)
        var name = String(path)
        var host = domain.map(String.init) ?? Self.hub
        if host == "index.docker.io" { host = Self.hub }
        if host == Self.hub, !name.contains("/") { name = "library/" + name }
        guard name.utf8.count <= 255 else {
            throw ReferenceError(text, "repository name must not exceed 255 characters")
        }
        self.domain = host
        self.path = name
        self.tag = tag
        self.digest = digest
    }

    /// Makes a reference from parts that were parsed before.
    package init(domain: String, path: String, tag: String?, digest: Digest?) {
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest
    }

    static let hub = "docker.io"
}

extension ImageReference {
    /// The tag, or `latest` when neither tag nor digest was written (REF-8).
    public var tagOrLatest: String { tag ?? "latest" }

    /// `docker.io/library/alpine:3`: for annotations, cache keys and containerd.
    public var normalized: String { "\(domain)/\(path)\(suffix)" }

    /// `alpine:3`: for people.
    public var familiar: String {
        guard domain == Self.hub else { return normalized }
        let short = path.hasPrefix("library/") ? String(path.dropFirst("library/".count)) : path
        return short + suffix
    }

    /// ``familiar``.
    public var description: String { familiar }

    /// `domain/path` without tag and digest.
    public var repository: String { "\(domain)/\(path)" }

    private var suffix: String {
        let shownTag = tag ?? (digest == nil ? "latest" : nil)
        return (shownTag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// The host that serves the API (HOST-1).
    package var apiHost: String {
        switch domain {
        case "docker.io", "index.docker.io": "registry-1.docker.io"
        default: domain
        }
    }

    /// Whether this is Docker Hub under any of its names.
    public var isDockerHub: Bool { Self.isDockerHub(host: domain) }

    package static func isDockerHub(host: String) -> Bool {
        ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(host.lowercased())
    }

    /// The same repository under ``tagOrLatest``.
    public var tagged: ImageReference {
        ImageReference(domain: domain, path: path, tag: tagOrLatest, digest: nil)
    }

    /// The same repository under a tag.
    /// - Throws: ``ReferenceError`` when `tag` can't be one.
    public func with(tag: String) throws(ReferenceError) -> ImageReference {
        try Self.check(tag: tag, in: "\(repository):\(tag)")
        return ImageReference(domain: domain, path: path, tag: tag, digest: nil)
    }

    /// The same repository under a digest; the tag is kept for display.
    package func with(digest: Digest) -> ImageReference {
        ImageReference(domain: domain, path: path, tag: tag, digest: digest)
    }
}

// MARK: - Grammar

/// Why a text is not an image reference.
public struct ReferenceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text.
    public let text: String
    /// What is wrong, without the text.
    public let reason: String
    /// What to write instead, where that is known.
    public let hint: String?

    init(_ text: String, _ reason: String, hint: String? = nil) {
        self.text = text
        self.reason = reason
        self.hint = hint
    }

    /// The reason with the text.
    public var description: String { "invalid reference \"\(text)\": \(reason)" }
}

extension ImageReference {
    private static func refuseUsualMistakes(_ text: String) throws(ReferenceError) {
        guard !text.isEmpty else { throw ReferenceError(text, "invalid reference format: it is empty") }
        if text.contains("://") {
            let bare = text.split(separator: "://", maxSplits: 1).last.map(String.init) ?? ""
            throw ReferenceError(
                text,
                "invalid reference format: it must not begin with a scheme",
                hint: "write \(bare)"
            )
        }
        if text.utf8.count == 64, text.utf8.allSatisfy(\.isLowerHex) {
            throw ReferenceError(text, "looks like an image id; registries need repository[:tag]")
        }
    }

    /// A first component is a host only when it looks like one (REF-6).
    private static func splitDomain(_ text: Substring) -> (Substring?, Substring) {
        guard let slash = text.firstIndex(of: "/") else { return (nil, text) }
        let first = text[..<slash]
        let isHost =
            first.contains(".") || first.contains(":") || first == "localhost" || first.hasPrefix("[")
            || first.utf8.contains { (0x41...0x5a).contains($0) }
        return isHost ? (first, text[text.index(after: slash)...]) : (nil, text)
    }

    private static func check(tag: String, in text: String) throws(ReferenceError) {
        let bytes = Array(tag.utf8)
        let isWord = bytes.allSatisfy {
            $0.isAlphanumeric || [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-")].contains($0)
        }
        if let first = bytes.first, bytes.count <= 128, isWord, first.isAlphanumeric || first == UInt8(ascii: "_") {
            return
        }
        let reason =
            "invalid reference format: allowed in a tag are letters, digits, '_', '.' and '-', up to 128 characters"
        let repaired = String(tag.map { $0 == "+" ? "_" : $0 })
        throw ReferenceError(
            text,
            reason,
            hint: repaired == tag ? nil : "write \"\(repaired)\" instead: '+' cannot stand in a tag"
        )
    }

    /// - Parameter path: A part of `text`.
    private static func check(path: Substring, isOnHub: Bool, in text: String) throws(ReferenceError) {
        if path.utf8.contains(where: { (0x41...0x5a).contains($0) }), isPath(path.lowercased()[...]) {
            let prefix = isOnHub && !path.contains("/") ? "library/" : ""
            throw ReferenceError(
                text,
                "invalid reference format: repository name (\(prefix)\(path)) must be lowercase",
                hint: "write \(text[..<path.startIndex])\(path.lowercased())\(text[path.endIndex...])"
            )
        }
        guard isPath(path) else { throw ReferenceError(text, "invalid reference format") }
    }

    /// `component = [a-z0-9]+ (sep [a-z0-9]+)*` (REF-2).
    private static func isPath(_ path: Substring) -> Bool {
        path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .allSatisfy { component in
                var separator: [UInt8] = []
                guard let first = component.first, first.isLowerAlphanumeric else { return false }
                for byte in component {
                    if byte.isLowerAlphanumeric {
                        separator = []
                        continue
                    }
                    separator.append(byte)
                    switch separator {
                    case [UInt8(ascii: ".")], [UInt8(ascii: "_")], [UInt8(ascii: "_"), UInt8(ascii: "_")]: continue
                    default: guard separator.allSatisfy({ $0 == UInt8(ascii: "-") }) else { return false }
                    }
                }
                return separator.isEmpty
            }
    }

    /// Whether a text is the host[:port] of a reference (REF-5), though perhaps of one label.
    package static func isHost(_ text: String) -> Bool { (try? check(domain: text[...], in: text)) != nil }

    private static func check(domain: Substring, in text: String) throws(ReferenceError) {
        var host = domain
        if let colon = domain.lastIndex(of: ":"), !domain.hasSuffix("]") {
            let port = domain[domain.index(after: colon)...]
            guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port),
                (1...65_535).contains(number)
            else { throw ReferenceError(text, "invalid port in \"\(domain)\"") }
            host = domain[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            let inner = host.dropFirst().dropLast()
            guard inner.contains(":"),
                inner.utf8.allSatisfy({ $0.hexValue != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { throw ReferenceError(text, "invalid address in \"\(domain)\"") }
            return
        }
        let areLabels = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .allSatisfy { label in
                guard let first = label.first, let last = label.last else { return false }
                return first.isAlphanumeric && last.isAlphanumeric
                    && label.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "-") }
            }
        guard areLabels else { throw ReferenceError(text, "invalid host \"\(domain)\"") }
    }
}

extension UInt8 {
    var isLowerAlphanumeric: Bool { (0x30...0x39).contains(self) || (0x61...0x7a).contains(self) }
    var isAlphanumeric: Bool { isLowerAlphanumeric || (0x41...0x5a).contains(self) }
}
