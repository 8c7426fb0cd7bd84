import ImgHTTP

/// What a host name tells about where it leads, without asking DNS.
package enum NetworkAddress: Hashable, Sendable {
    /// A name, or a literal address on the open internet.
    case elsewhere
    /// `localhost`, `*.localhost`, 127.0.0.0/8, ::1.
    case loopback
    /// Private, link-local, unspecified and multicast addresses, such addresses within others, and metadata services.
    case restricted

    /// Classifies a host without port, brackets optional.
    package static func classify(_ host: String) -> NetworkAddress {
        // A name with a dot at the end is the same name.
        var name = host.lowercased()[...]
        while name.hasSuffix(".") { name.removeLast() }
        if name == "localhost" || name.hasSuffix(".localhost") { return .loopback }
        if metadataNames.contains(String(name)) { return .restricted }
        guard let address = IPAddress(host: String(name)) else { return .elsewhere }
        return classify(address)
    }

    private static let metadataNames: Set<String> = ["metadata.google.internal", "metadata.goog"]

    /// Those of Azure and Oracle, which lie in public ranges.
    private static let metadataAddresses: Set<[UInt8]> = [[168, 63, 129, 16], [192, 0, 0, 192]]

    /// Classifies an address.
    static func classify(_ address: IPAddress) -> NetworkAddress {
        if address.isLoopback { return .loopback }
        if let embedded = address.embedded { return classify(embedded) == .elsewhere ? .elsewhere : .restricted }
        let isRestricted =
            address.isPrivate || address.isLinkLocal || address.isUnspecified || address.isMulticast
            || address.bytes == [255, 255, 255, 255] || metadataAddresses.contains(address.bytes)
        return isRestricted ? .restricted : .elsewhere
    }

    /// Whether a literal address lies in a CIDR range.
    static func isLiteral(_ host: String, in range: String) -> Bool {
        guard let range = parse(range: range), let address = IPAddress(host: host) else { return false }
        return address.isIn(range.prefix, length: range.length)
    }

    /// Whether a text is a CIDR range.
    static func isRange(_ text: String) -> Bool { parse(range: text) != nil }

    private static func parse(range: String) -> (prefix: IPAddress, length: Int)? {
        let parts = range.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, let prefix = IPAddress(parts[0]), let length = Int(parts[1]),
            (0...(prefix.bytes.count * 8)).contains(length)
        else { return nil }
        return (prefix, length)
    }
}

extension String {
    func trimmingBrackets() -> String { hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self }
}

/// host[:port] split apart.
package struct Authority: Hashable, Sendable, CustomStringConvertible {
    /// Lower case, with brackets around IPv6.
    package let host: String
    /// nil when none was written.
    package let port: Int?

    package init(_ text: String) {
        if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]"),
            text[..<colon].hasPrefix("[") || !text[..<colon].contains(":"),
            let number = Int(text[text.index(after: colon)...])
        {
            host = text[..<colon].lowercased()
            port = number
        } else {
            host = text.lowercased()
            port = nil
        }
    }

    package var description: String { port.map { "\(host):\($0)" } ?? host }

    /// The origin under a scheme, the default port filled in (HOST-3).
    func origin(_ scheme: String) -> Origin {
        Origin(scheme: scheme, host: host.trimmingBrackets(), port: port ?? (scheme == "http" ? 80 : 443))
    }
}
