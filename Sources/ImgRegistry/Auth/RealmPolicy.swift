import ImgHTTP

/// Judges the realm of a challenge before anything is sent there (SEC-5).
enum RealmPolicy {
    /// Why a realm must not be asked; nil when it may be.
    /// - Parameters:
    ///   - registry: The host that named the realm.
    ///   - allowsPlainHTTP: Whether that host is loopback or declared insecure.
    ///   - allowedHosts: Hosts that the user allows although they are internal.
    static func objection(
        to realm: String,
        registry: Authority,
        allowsPlainHTTP: Bool,
        allowedHosts: Set<String> = []
    ) -> String? {
        guard let parts = URLParts(realm), !realm.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7f || $0 == 0x22 })
        else {
            return "it is not a URL"
        }
        let isSameHost = parts.host.lowercased().trimmingBrackets() == registry.host.trimmingBrackets()
        switch parts.scheme.lowercased() {
        case "https": break
        case "http": guard allowsPlainHTTP, isSameHost else { return "it is not https" }
        default: return "its scheme is not https"
        }
        if parts.userInfo != nil { return "it carries a user name" }
        if realm.contains("#") { return "it has a fragment" }
        if !isSameHost, !allowedHosts.contains(parts.host.lowercased()),
            NetworkAddress.classify(parts.host) != .elsewhere,
            NetworkAddress.classify(registry.host) == .elsewhere
        {
            return "it leads to an internal address"
        }
        return nil
    }

    private static let knownPairs: Set<[String]> = [
        ["docker.io", "auth.docker.io"], ["registry-1.docker.io", "auth.docker.io"],
        ["registry.gitlab.com", "gitlab.com"],
    ]

    /// Whether realm and registry plainly belong together: same host, one inside the other, siblings, or a known pair.
    static func isRelated(_ realmHost: String, to registryHost: String) -> Bool {
        let (realm, registry) = (realmHost.lowercased(), registryHost.lowercased())
        if realm == registry || knownPairs.contains([registry, realm]) { return true }
        if realm.hasSuffix("." + registry) || registry.hasSuffix("." + realm) { return true }
        let parents = [realm, registry].map { $0.split(separator: ".").dropFirst().joined(separator: ".") }
        return parents[0] == parents[1] && parents[0].contains(".")
    }
}
