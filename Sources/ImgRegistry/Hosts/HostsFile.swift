import ImgOCI

/// Reads containerd's `hosts.toml` (MIR-1…4).
enum HostsFile {
    /// The endpoints that a file describes, and words about what it ignores.
    struct Reading: Sendable {
        var endpoints: [Endpoint] = []
        var warnings: [String] = []
    }

    private static let hostKeys: Set<String> = [
        "capabilities", "ca", "client", "skip_verify", "override_path", "dial_timeout", "header", "server", "host",
    ]

    /// - Parameters:
    ///   - table: The parsed file.
    ///   - directory: Relative file names count from here.
    ///   - namespace: The registry as users write it, `docker.io` for Docker Hub.
    ///   - defaultHost: Where the registry itself answers when the file has no `server`.
    static func read(
        _ table: TOMLTable,
        directory: String,
        namespace: String,
        defaultHost: String
    ) throws(TOMLError) -> Reading {
        var reading = Reading()
        for member in table["host"]?.tableValue?.members ?? [] {
            guard let inner = member.value.tableValue else { throw TOMLError("host \"\(member.key)\" is not a table") }
            var endpoint = try endpoint(member.key, inner, directory, &reading)
            // Pushing through a mirror has to be asked for in so many words (MIR-9).
            if inner["capabilities"] == nil { endpoint.capabilities.remove(.push) }
            if Authority(endpoint.authority) != Authority(defaultHost) { endpoint.namespace = namespace }
            reading.endpoints.append(endpoint)
        }
        for member in table.members where !hostKeys.contains(member.key) {
            reading.warnings.append("unknown key \"\(member.key)\"")
        }
        let server = table["server"]?.stringValue ?? "https://\(defaultHost)"
        var origin = try endpoint(server, table, directory, &reading)
        if Authority(origin.authority) == Authority(namespace) { origin.authority = defaultHost }
        // A table for the registry itself says how that one is reached, for pushes as well.
        let isOrigin: (Endpoint) -> Bool = {
            Authority($0.authority) == Authority(origin.authority) && $0.root == origin.root
        }
        if let own = reading.endpoints.first(where: isOrigin) {
            reading.endpoints.removeAll(where: isOrigin)
            origin = own
            origin.namespace = nil
        }
        origin.capabilities = .all
        reading.endpoints.append(origin)
        return reading
    }

    private static func endpoint(
        _ url: String,
        _ table: TOMLTable,
        _ directory: String,
        _ reading: inout Reading
    ) throws(TOMLError) -> Endpoint {
        let (scheme, rest) = split(url)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = String(rest[..<slash])
        guard !authority.isEmpty else { throw TOMLError("\"\(url)\" names no host") }
        var path = String(rest[slash...])
        while path.hasSuffix("/") { path.removeLast() }
        var endpoint = Endpoint(authority: authority)
        endpoint.scheme = scheme
        if table["override_path"]?.boolValue == true {
            endpoint.root = path
        } else {
            endpoint.root = path.hasSuffix("/v2") ? path : path + "/v2"
        }
        if let words = table["capabilities"]?.strings { endpoint.capabilities = try capabilities(words) }
        endpoint.trust = try trust(table, directory)
        if scheme == "http" { endpoint.trust.allowsPlainHTTP = true }
        for header in table["header"]?.tableValue?.members ?? [] where header.key.lowercased() != "authorization" {
            for value in header.value.strings ?? [] {
                endpoint.headers.append(Endpoint.Header(name: header.key, value: value))
            }
        }
        for member in table.members where !hostKeys.contains(member.key) {
            reading.warnings.append("unknown key \"\(member.key)\" of \(url)")
        }
        return endpoint
    }

    private static func split(_ url: String) -> (scheme: String?, rest: Substring) {
        for scheme in ["https", "http"] where url.hasPrefix(scheme + "://") {
            return (scheme, url.dropFirst(scheme.count + 3))
        }
        return (nil, url[...])
    }

    private static func capabilities(_ words: [String]) throws(TOMLError) -> Endpoint.Capabilities {
        var set: Endpoint.Capabilities = []
        for word in words {
            switch word {
            case "pull": set.insert(.pull)
            case "resolve": set.insert(.resolve)
            case "push": set.insert(.push)
            case "referrers": set.insert(.referrers)
            default: throw TOMLError("unknown capability \"\(word)\"")
            }
        }
        return set
    }

    private static func trust(_ table: TOMLTable, _ directory: String) throws(TOMLError) -> HostTrust {
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(directory)/\(path)" }
        var trust = HostTrust()
        trust.authorityFiles = (table["ca"]?.strings ?? []).map(absolute)
        if table["skip_verify"]?.boolValue == true { trust.verifies = false }
        guard let client = table["client"] else { return trust }
        let pair = client.arrayValue?.first?.strings ?? client.strings ?? []
        switch pair.count {
        case 1: trust.clientCertificate = .init(certificate: absolute(pair[0]), key: absolute(pair[0]))
        case 2: trust.clientCertificate = .init(certificate: absolute(pair[0]), key: absolute(pair[1]))
        default: throw TOMLError("client must be a file, or a certificate and its key")
        }
        return trust
    }
}
