/// Chooses the proxy for a URL from the environment (`PRX-1` to `PRX-6`).
package enum ProxySelection {
    /// The proxy's URL, always with a scheme and with credentials in which nothing looks like the URL's own marks; nil for
    /// a direct connection.
    package static func proxy(for url: URLParts, environment: [String: String]) -> String? {
        guard let value = variable("\(url.scheme)_proxy", environment) ?? variable("all_proxy", environment) else {
            return nil
        }
        if isAlwaysDirect(url.host) || isExcluded(url, list: variable("no_proxy", environment) ?? "") { return nil }
        return withEscapedUserInfo(value.contains("://") ? value : "http://" + value)
    }

    /// A URL whose password may contain `@`, `/`, `#` or `?` as they are, as people write them.
    private static func withEscapedUserInfo(_ url: String) -> String {
        guard let start = url.firstRange(of: "://")?.upperBound, let end = url.lastIndex(of: "@"), start < end else {
            return url
        }
        let userInfo = url[start..<end]
        let colon = userInfo.firstIndex(of: ":") ?? userInfo.endIndex
        let parts =
            [userInfo[..<colon]] + (colon < userInfo.endIndex ? [userInfo[userInfo.index(after: colon)...]] : [])
        return url[..<start] + parts.map(escaped).joined(separator: ":") + url[end...]
    }

    /// Everything but unreserved characters and what is escaped already.
    private static func escaped(_ text: Substring) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        for (position, byte) in bytes.enumerated() {
            let code = bytes[position...].dropFirst().prefix(2)
            switch byte {
            case UInt8(ascii: "%")
            where code.count == 2 && UInt8(String(decoding: code, as: UTF8.self), radix: 16) != nil:
                out.append(byte)
            case _ where ASCII.isLetter(byte) || ASCII.isDigit(byte) || "-._~".utf8.contains(byte): out.append(byte)
            default: out += Array("%\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))".utf8)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Names of variables that are set in both cases, to different values: the lower case one wins.
    package static func conflicts(environment: [String: String]) -> [String] {
        ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]
            .filter { name in
                guard let lower = environment[name], let upper = environment[name.uppercased()] else { return false }
                return lower != upper
            }
    }

    private static func variable(_ name: String, _ environment: [String: String]) -> String? {
        for key in [name, name.uppercased()] {
            if let value = environment[key].map(ASCII.trimmed), !value.isEmpty { return value }
        }
        return nil
    }

    /// Loopback and link-local destinations, the latter for metadata services (`PRX-3`, `PRX-6`).
    private static func isAlwaysDirect(_ host: String) -> Bool {
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        guard let address = IPAddress(host: host) else { return false }
        return address.isLoopback || address.isLinkLocal
    }

    private static func isExcluded(_ url: URLParts, list: String) -> Bool {
        list.lowercased().split { $0 == "," || $0 == " " || $0 == "\t" }.contains { matches(String($0), url) }
    }

    private static func matches(_ entry: String, _ url: URLParts) -> Bool {
        if entry == "*" { return true }
        let (name, port) = split(entry)
        if let port, port != url.effectivePort { return false }
        if let slash = name.firstIndex(of: "/") {
            guard let prefix = IPAddress(String(name[..<slash])), let length = Int(name[name.index(after: slash)...]),
                let address = IPAddress(host: url.host)
            else { return false }
            return address.isIn(prefix, length: length)
        }
        if let address = IPAddress(name) {
            return IPAddress(host: url.host) == address
        }
        let host = url.host.hasSuffix(".") ? String(url.host.dropLast()) : url.host
        if name.hasPrefix("*.") { return host.hasSuffix(name.dropFirst()) }
        if name.hasPrefix(".") { return host.hasSuffix(name) }
        return !name.isEmpty && (host == name || host.hasSuffix("." + name))
    }

    /// Takes `:port` off an entry; bare IPv6 addresses have none.
    private static func split(_ entry: String) -> (name: String, port: Int?) {
        if entry.hasPrefix("["), let end = entry.firstIndex(of: "]") {
            let name = entry[entry.index(after: entry.startIndex)..<end]
            let rest = entry[entry.index(after: end)...]
            if rest.hasPrefix("/") { return (String(name + rest), nil) }
            return (String(name), Int(rest.dropFirst()))
        }
        let colons = entry.utf8.count { $0 == 0x3A }
        guard colons == 1, let colon = entry.firstIndex(of: ":") else { return (entry, nil) }
        return (String(entry[..<colon]), Int(entry[entry.index(after: colon)...]) ?? 0)
    }
}
