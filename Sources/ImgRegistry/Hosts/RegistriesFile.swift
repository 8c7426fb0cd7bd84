/// Reads version 2 of Podman's `registries.conf` (MIR-7).
enum RegistriesFile {
    /// nil when no prefix matches the repository.
    static func read(_ table: TOMLTable, host: String, path: String, defaultHost: String) -> HostConfiguration? {
        let name = "\(host)/\(path)"
        var best: (length: Int, entry: TOMLTable, prefix: String)?
        for element in table["registry"]?.arrayValue ?? [] {
            guard let entry = element.tableValue,
                let location = entry["prefix"]?.stringValue ?? entry["location"]?.stringValue
            else { continue }
            guard matches(location, host: host, name: name), location.utf8.count > best?.length ?? -1 else { continue }
            best = (location.utf8.count, entry, location)
        }
        guard let best else { return nil }
        let isWildcard = best.prefix.hasPrefix("*.")
        let prefixPath = isWildcard ? "" : rest(of: best.prefix)
        var configuration = HostConfiguration(endpoints: [], source: "registries.conf")
        configuration.isBlocked = best.entry["blocked"]?.boolValue == true
        let isDigestOnly = best.entry["mirror-by-digest-only"]?.boolValue == true
        let location = best.entry["location"]?.stringValue ?? (isWildcard ? host : best.prefix)
        for element in best.entry["mirror"]?.arrayValue ?? [] {
            guard let mirror = element.tableValue, let place = mirror["location"]?.stringValue else { continue }
            // A mirror with another path would need its own rewriting; such entries name the same path in practice.
            guard rest(of: place) == rest(of: location) else { continue }
            var endpoint = endpoint(place, mirror, defaultHost: defaultHost, host: host)
            endpoint.namespace = host
            endpoint.capabilities = [.pull, .resolve]
            switch mirror["pull-from-mirror"]?.stringValue {
            case "digest-only": endpoint.capabilities = [.pull]
            case "tag-only": endpoint.capabilities = [.resolve]
            default: if isDigestOnly { endpoint.capabilities = [.pull] }
            }
            configuration.endpoints.append(endpoint)
        }
        configuration.endpoints.append(endpoint(location, best.entry, defaultHost: defaultHost, host: host))
        if rest(of: location) != prefixPath {
            configuration.rewrite = .init(prefix: prefixPath, replacement: rest(of: location))
        }
        return configuration
    }

    private static func matches(_ prefix: String, host: String, name: String) -> Bool {
        if prefix.hasPrefix("*.") { return host.hasSuffix(prefix.dropFirst()) }
        return name == prefix || name.hasPrefix(prefix + "/")
    }

    private static func endpoint(_ place: String, _ table: TOMLTable, defaultHost: String, host: String) -> Endpoint {
        let named = String(place.prefix { $0 != "/" })
        var endpoint = Endpoint(authority: named == host ? defaultHost : named)
        if table["insecure"]?.boolValue == true {
            endpoint.trust.verifies = false
            endpoint.trust.allowsPlainHTTP = true
        }
        return endpoint
    }

    private static func rest(of place: String) -> String {
        guard let slash = place.firstIndex(of: "/") else { return "" }
        return String(place[place.index(after: slash)...])
    }
}
