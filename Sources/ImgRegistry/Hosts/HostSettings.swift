import ImgOCI

/// What the command line, the environment and the machine say about registry hosts.
package struct HostSettings: Sendable {
    /// A certificate authority given by the user (TLS-5).
    package struct CertificateAuthority: Hashable, Sendable {
        /// host[:port]; nil for every host.
        package var host: String?
        package var path: String

        package init(host: String? = nil, path: String) {
            self.host = host
            self.path = path
        }
    }

    /// The environment: proxies and `SSL_CERT_FILE`.
    package var environment: [String: String]
    /// Absolute; empty when there is none.
    package var home: String
    /// Hosts that may be spoken to without verified TLS: host[:port], `*.suffix` or a CIDR range (SCH-2).
    package var insecureHosts: [String] = []
    package var certificateAuthorities: [CertificateAuthority] = []
    /// Where `hosts.toml` directories are searched (MIR-1).
    package var hostsDirectories: [String]
    /// Docker's layout of certificates, one directory for each host (TLS-3).
    package var certificateDirectories: [String]
    package var buildkitFiles: [String]
    package var registriesFiles: [String]
    /// Hosts to which redirects are followed although they look like an internal address (SEC-4): lower case, without
    /// port and brackets.
    package var redirectHosts: Set<String> = []
    /// Whether a name that a registry gives must not have an internal address either (SEC-4).
    package var isAddressStrict = false
    /// Refuses to send credentials to a realm outside the registry's own domain (SEC-5).
    package var isRealmStrict = false

    /// The usual places of a machine.
    /// - Parameter hostsDirectories: Given by the user; any replaces the system's own (MIR-1).
    package init(environment: [String: String], home: String, hostsDirectories: [String] = []) {
        self.environment = environment
        self.home = home
        self.hostsDirectories = hostsDirectories.isEmpty ? ["/etc/containerd/certs.d"] : hostsDirectories
        certificateDirectories = ["/etc/docker/certs.d", "/etc/containers/certs.d"]
        buildkitFiles = ["/etc/buildkit/buildkitd.toml"]
        registriesFiles = ["/etc/containers/registries.conf"]
        guard !home.isEmpty else { return }
        certificateDirectories += ["\(home)/.config/containers/certs.d", "\(home)/.config/docker/certs.d"]
        buildkitFiles.append("\(home)/.config/buildkit/buildkitd.toml")
        registriesFiles.insert("\(home)/.config/containers/registries.conf", at: 0)
        if let named = environment["CONTAINERS_REGISTRIES_CONF"], !named.isEmpty { registriesFiles = [named] }
    }

    /// No files at all: what tests and embedders that bring everything themselves want.
    package static func bare(environment: [String: String] = [:]) -> HostSettings {
        var settings = HostSettings(environment: environment, home: "")
        settings.hostsDirectories = []
        settings.certificateDirectories = []
        settings.buildkitFiles = []
        settings.registriesFiles = []
        return settings
    }

    /// Whether a text is of the kinds that ``insecureHosts`` holds.
    package static func isHostPattern(_ text: String) -> Bool {
        if text.contains("/") { return NetworkAddress.isRange(text) }
        if text.hasPrefix("*.") { return ImageReference.isHost("x\(text.dropFirst())") && !text.contains(":") }
        return ImageReference.isHost(text)
    }

    /// Whether the user declared a host insecure: exact with port, by suffix, or by the range of a literal address.
    package func isInsecure(_ authority: Authority) -> Bool {
        insecureHosts.contains { pattern in
            if pattern.contains("/") { return NetworkAddress.isLiteral(authority.host, in: pattern) }
            if pattern.hasPrefix("*.") { return authority.host.hasSuffix(pattern.dropFirst().lowercased()) }
            return Authority(pattern) == authority
        }
    }
}
