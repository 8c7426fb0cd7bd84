/// The registry and repository that a credential is looked up for.
struct RegistryKey: Hashable, Sendable {
    /// The names under which Docker Hub goes (HOST-2).
    private static let hubHosts = ["index.docker.io", "docker.io", "registry-1.docker.io"]
    /// What Docker itself writes for Docker Hub.
    static let hubKey = "https://index.docker.io/v1/"

    /// host[:port], lower case; `docker.io` for every name of Docker Hub.
    let host: String
    /// The repository's path without host; empty for the registry as such.
    let path: String

    /// - Parameters:
    ///   - host: As in a reference; a scheme and a path are dropped, for `login` takes them (LOG-5).
    ///   - path: The repository's path.
    init(host: String, path: String = "") {
        let bare = Self.hostName(of: host).lowercased()
        self.host = Self.hubHosts.contains(bare) ? "docker.io" : bare
        self.path = path
    }

    var isHub: Bool { host == "docker.io" }

    /// What `login` writes and helpers are asked for (LOG-5, HLP-2).
    var storageKey: String { isHub ? Self.hubKey : host }

    /// The key under which `keys` holds this registry; nil when it doesn't.
    ///
    /// The most specific path wins, then the exact host, then any key that stands for the host (CFG-6, CFG-7, CFG-10).
    func match(among keys: some Collection<String>) -> String? { matches(among: keys).first }

    /// All matching keys, the best first.
    func matches(among keys: some Collection<String>) -> [String] {
        keys.compactMap { key in rank(of: key).map { (key: key, rank: $0) } }
            .sorted { ($0.rank, $0.key) < ($1.rank, $1.key) }
            .map(\.key)
    }

    /// Lower is better; nil when the key stands for something else.
    private func rank(of key: String) -> Int? {
        let parts = KeyParts(key)
        if let scope = parts.pathScope {
            guard hosts.contains(parts.host), path == scope || path.hasPrefix(scope + "/") else { return nil }
            // Any path beats any host, and the longest path the others.
            return -scope.utf8.count
        }
        guard let place = hosts.firstIndex(of: parts.host) else { return nil }
        if isHub && key == Self.hubKey { return 0 }
        if parts.isBare { return 1 + place }
        let spelling =
            switch parts.scheme {
            case "https://": 0
            case "": 1
            default: 2
            }
        return 10 + 10 * spelling + place
    }

    private var hosts: [String] { isHub ? Self.hubHosts : [host] }

    /// Without scheme and path; case is kept.
    static func hostName(of text: String) -> String {
        let parts = KeyParts.splitScheme(text)
        return String(parts.rest.prefix { $0 != "/" })
    }
}

/// A key of a configuration file taken apart.
private struct KeyParts {
    let scheme: String
    let host: String
    /// What follows the host, slash included.
    let suffix: String

    init(_ key: String) {
        let (scheme, rest) = Self.splitScheme(key)
        self.scheme = scheme
        host = rest.prefix { $0 != "/" }.lowercased()
        suffix = String(rest.drop { $0 != "/" })
    }

    var isBare: Bool { scheme.isEmpty && suffix.isEmpty }

    /// The repositories that the key is limited to, as Podman writes them: no scheme, and not the API's own path.
    var pathScope: String? {
        guard scheme.isEmpty, !["", "/", "/v1", "/v1/", "/v2", "/v2/"].contains(suffix) else { return nil }
        let scope = suffix.split(separator: "/").joined(separator: "/")
        return scope.isEmpty ? nil : scope
    }

    static func splitScheme(_ text: String) -> (scheme: String, rest: Substring) {
        for scheme in ["https://", "http://"] where text.lowercased().hasPrefix(scheme) {
            return (scheme, text.dropFirst(scheme.count))
        }
        return ("", text[...])
    }
}
