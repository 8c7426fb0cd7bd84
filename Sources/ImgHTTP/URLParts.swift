/// Scheme, host and effective port: what credentials are bound to (`SEC-1`).
package struct Origin: Hashable, Sendable, CustomStringConvertible {
    package let scheme: String
    /// Lower case, an IPv6 address without brackets.
    package let host: String
    package let port: Int

    package init(scheme: String, host: String, port: Int) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    package var description: String { "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}

/// An absolute URL taken apart, with path and query kept byte for byte.
package struct URLParts: Hashable, Sendable, CustomStringConvertible {
    /// Lower case.
    package var scheme: String
    /// Present only to be refused: requests never use it.
    package var userInfo: String?
    /// Lower case, an IPv6 address without brackets.
    package var host: String
    /// As written; see ``Origin/port`` for the effective one.
    package var port: Int?
    /// Empty, or starting with "/".
    package var path: String
    /// Without its question mark.
    package var query: String?

    /// Takes a URL apart; nil if it is not absolute, or ambiguous, or has characters that no URL may have (`SEC-11`).
    ///
    /// The fragment is dropped: it is never sent.
    package init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != 0x5C }) else { return nil }
        guard let marker = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<marker.lowerBound]
        guard let first = scheme.utf8.first, ASCII.isLetter(first), scheme.utf8.allSatisfy(Self.isSchemeByte) else {
            return nil
        }
        self.scheme = scheme.lowercased()
        var rest = text[marker.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        rest = rest[authority.endIndex...]
        guard let (userInfo, host, port) = Self.split(authority: authority) else { return nil }
        self.userInfo = userInfo
        self.host = host
        self.port = port
        if let mark = rest.firstIndex(of: "?") {
            path = String(rest[..<mark])
            query = String(rest[rest.index(after: mark)...])
        } else {
            path = String(rest)
            query = nil
        }
    }

    /// The port in use: the written one, else the scheme's default (`HOST-3`).
    package var effectivePort: Int { port ?? (scheme == "http" ? 80 : 443) }

    package var origin: Origin { Origin(scheme: scheme, host: host, port: effectivePort) }

    /// Host and port as they stand in a URL.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }

    /// The URL put together again.
    package var description: String {
        "\(scheme)://\(userInfo.map { $0 + "@" } ?? "")\(authority)\(path)\(query.map { "?" + $0 } ?? "")"
    }

    /// The target of a `Location`, `Link` or realm seen in an answer to this URL (`PUSH-15`).
    ///
    /// Follows RFC 3986, and takes `host/path` without a scheme if the host is this URL's. What the server wrote is
    /// kept byte for byte; only a path relative to this one is merged.
    /// - Returns: An absolute URL, whose scheme and host are still to be judged; nil if there is none to be had.
    package func resolving(_ location: String) -> String? {
        let location = location.prefix { $0 != "#" }
        guard !location.isEmpty else { return nil }
        if let target = Self.absolute(location) { return target.description }
        let resolved: String
        let base = "\(scheme)://\(authority)"
        if location.hasPrefix("//") {
            resolved = scheme + ":" + location
        } else if location.hasPrefix("/") {
            resolved = base + location
        } else if location.hasPrefix("?") {
            resolved = base + path + location
        } else if namesThisHost(location) {
            resolved = scheme + "://" + location
        } else if Self.hasScheme(location) {
            return nil
        } else {
            resolved = base + merged(location)
        }
        return URLParts(resolved)?.description
    }

    private static func absolute(_ location: Substring) -> URLParts? {
        guard let colon = location.firstIndex(of: ":"), location[colon...].hasPrefix("://") else { return nil }
        return URLParts(String(location))
    }

    private static func hasScheme(_ location: Substring) -> Bool {
        let head = location.prefix { $0 != "/" && $0 != "?" }
        guard let colon = head.firstIndex(of: ":"), let first = head.utf8.first else { return false }
        return ASCII.isLetter(first) && head[..<colon].utf8.allSatisfy(isSchemeByte)
    }

    private func namesThisHost(_ location: Substring) -> Bool {
        let first = location.prefix { $0 != "/" }
        guard first.endIndex < location.endIndex, let other = URLParts("\(scheme)://\(first)") else { return false }
        return other.userInfo == nil && other.path.isEmpty && other.query == nil && other.origin == origin
    }

    /// RFC 3986, sections 5.2.3 and 5.2.4.
    private func merged(_ location: Substring) -> String {
        let mark = location.firstIndex(of: "?") ?? location.endIndex
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "/"
        var output: [Substring] = []
        let joined = directory + location[..<mark]
        let segments = joined.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            let last = index == segments.count - 1
            switch segment {
            case "..":
                _ = output.popLast()
                if last { output.append("") }
            case ".":
                if last { output.append("") }
            default:
                output.append(segment)
            }
        }
        return "/" + output.joined(separator: "/") + location[mark...]
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x2B || byte == 0x2D || byte == 0x2E
    }

    private static func split(authority: Substring) -> (userInfo: String?, host: String, port: Int?)? {
        var rest = authority
        var userInfo: String?
        if let at = rest.lastIndex(of: "@") {
            userInfo = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        let host: Substring
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<end]
            guard IPAddress(String(host))?.isIPv6 == true else { return nil }
            rest = rest[rest.index(after: end)...]
        } else {
            host = rest.prefix { $0 != ":" }
            guard !host.isEmpty, host.utf8.allSatisfy(isHostByte) else { return nil }
            rest = rest[host.endIndex...]
        }
        guard !rest.isEmpty else { return (userInfo, host.lowercased(), nil) }
        guard rest.hasPrefix(":") else { return nil }
        let digits = rest.dropFirst()
        if digits.isEmpty { return (userInfo, host.lowercased(), nil) }
        guard digits.utf8.allSatisfy(ASCII.isDigit), let port = Int(digits), (1...65_535).contains(port) else {
            return nil
        }
        return (userInfo, host.lowercased(), port)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F
    }
}
