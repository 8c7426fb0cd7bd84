/// What a host is trusted with, and how it is recognised.
package struct HostTrust: Hashable, Sendable {
    /// Files with further certificate authorities (TLS-4).
    package var authorityFiles: [String] = []
    package var clientCertificate: ClientCertificate?
    /// Whether certificates are verified.
    package var verifies = true
    /// Declared insecure or loopback: plain HTTP is possible (SCH-2).
    package var allowsPlainHTTP = false

    package struct ClientCertificate: Hashable, Sendable {
        package var certificate: String
        package var key: String
    }
}

/// The root of a registry API: the registry itself or a mirror of it.
package struct Endpoint: Hashable, Sendable {
    /// What an endpoint is used for (MIR-2).
    package struct Capabilities: OptionSet, Hashable, Sendable {
        package let rawValue: Int

        package init(rawValue: Int) {
            self.rawValue = rawValue
        }

        package static let pull = Capabilities(rawValue: 1)
        package static let resolve = Capabilities(rawValue: 2)
        package static let push = Capabilities(rawValue: 4)
        package static let referrers = Capabilities(rawValue: 8)
        package static let all: Capabilities = [.pull, .resolve, .push, .referrers]
    }

    /// host[:port] as configured.
    package var authority: String
    /// From `http://` or `https://` in a configuration; nil leaves the choice to SCH-1…3.
    package var scheme: String?
    /// `/v2`, or what a mirror has instead (MIR-3); no slash at the end.
    package var root = "/v2"
    /// The `ns` of a mirror (MIR-4); nil for the registry itself.
    package var namespace: String?
    package var capabilities: Capabilities = .all
    /// Extra headers; never `Authorization`.
    package var headers: [Header] = []
    package var trust = HostTrust()

    package struct Header: Hashable, Sendable {
        package var name: String
        package var value: String
    }

    package var isMirror: Bool { namespace != nil }
}

/// One way to connect to a host: tried in order until one works (SCH-3).
struct ConnectionMode: Hashable, Sendable {
    var scheme: String
    var verifies: Bool
}

extension Endpoint {
    /// The ways to reach this endpoint in the order of trial (SCH-1…4).
    var modes: [ConnectionMode] { Self.modes(authority: Authority(authority), scheme: scheme, trust: trust) }

    static func modes(authority: Authority, scheme: String?, trust: HostTrust) -> [ConnectionMode] {
        let secure = ConnectionMode(scheme: "https", verifies: trust.verifies)
        let plain = ConnectionMode(scheme: "http", verifies: trust.verifies)
        if scheme == "http" { return [plain] }
        guard trust.allowsPlainHTTP else { return [secure] }
        if authority.port == 80 { return [plain] }
        var modes = [secure]
        if trust.verifies { modes.append(ConnectionMode(scheme: "https", verifies: false)) }
        if scheme == nil { modes.append(plain) }
        return modes
    }
}

/// Where the content of one registry can be found.
package struct HostConfiguration: Hashable, Sendable {
    /// Mirrors in the order of trial, the registry itself last.
    package var endpoints: [Endpoint]
    /// Paths are rewritten before they are sent (MIR-7).
    package var rewrite: PathRewrite?
    /// Refused by `registries.conf`.
    package var isBlocked = false
    /// Where it came from, for `--debug`.
    package var source: String

    package struct PathRewrite: Hashable, Sendable {
        package var prefix: String
        package var replacement: String

        func apply(_ path: String) -> String {
            guard path == prefix || path.hasPrefix(prefix.isEmpty ? "" : prefix + "/") else { return path }
            let rest = path.dropFirst(prefix.count).drop { $0 == "/" }
            return [replacement, String(rest)].filter { !$0.isEmpty }.joined(separator: "/")
        }
    }

    /// The endpoint for pushes: the registry, unless a mirror was given the capability explicitly (MIR-9).
    var pushEndpoint: Endpoint? {
        endpoints.first { $0.capabilities.contains(.push) && $0.isMirror } ?? endpoints.last
    }
}
