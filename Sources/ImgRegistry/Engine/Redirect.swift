import ImgHTTP
import ImgReport

/// Judges the places that a registry points to: redirects, upload sessions, next pages, foreign layers (SEC-3, SEC-4).
enum Redirect {
    /// What is known about the two hosts of a redirect.
    struct Context: Sendable {
        /// Whether the registry itself has a private or loopback address: it may point to others then.
        var isRegistryInternal: Bool
        /// Hosts that the user allows (SEC-4).
        var allowedHosts: Set<String>
        /// Whether plain HTTP is allowed for the target (SCH-5).
        var allowsPlainHTTP: Bool
    }

    /// The rule that a target breaks; nil when it may be used.
    static func objection(to target: String, from url: String, _ context: Context) -> String? {
        guard let new = URLParts(target), let old = URLParts(url) else { return "is not a URL" }
        let scheme = new.scheme
        guard scheme == "http" || scheme == "https" else { return "has the scheme \(scheme)" }
        if new.userInfo != nil { return "carries a user name" }
        if scheme == "http", old.scheme == "https", !context.allowsPlainHTTP {
            return "leaves TLS"
        }
        guard new.host != old.host, !context.isRegistryInternal, !context.allowedHosts.contains(new.host) else {
            return nil
        }
        switch NetworkAddress.classify(new.host) {
        case .elsewhere: return nil
        case .loopback: return "leads to this machine"
        case .restricted: return "leads to an internal address"
        }
    }

    /// Resolves and judges a place that a registry gave.
    static func target(
        _ location: String,
        from url: String,
        by session: Session,
        _ operation: String
    ) async throws(RegistryError) -> String {
        guard var target = URLParts(url)?.resolving(location) else {
            throw session.error(
                .protocol,
                operation,
                "the registry gave an invalid Location: \"\(URLMask.mask(location))\""
            )
        }
        let authority = try session.authority(of: target, operation)
        let trust = try await session.trust(of: authority)
        target = keepingTLS(target, from: url, trust: trust, session)
        let context = Context(
            isRegistryInternal: NetworkAddress.classify(Authority(session.host.apiHost).host) != .elsewhere,
            allowedHosts: session.client.catalog.settings.redirectHosts,
            allowsPlainHTTP: trust.allowsPlainHTTP
        )
        if let rule = objection(to: target, from: url, context) {
            throw session.error(
                .blocked,
                operation,
                "a redirect to \(URLMask.mask(target)) was not followed: it \(rule)"
            )
        }
        return target
    }

    /// A registry behind a TLS proxy that names itself with `http://` is taken by its word for the path only (SCH-7).
    private static func keepingTLS(_ target: String, from url: String, trust: HostTrust, _ session: Session) -> String {
        guard let rewritten = rewrittenToTLS(target, from: url) else { return target }
        if session.client.notices.isFirst("SCH-7 \(session.host.name)") {
            let warning = Diagnostic(
                .warning,
                "\(session.host.name) answers over TLS but gives http:// addresses for itself; https is used",
                hints: ["let the proxy send X-Forwarded-Proto, or set http.host in the registry's configuration"]
            )
            session.client.events.emit(.warning(warning))
        }
        return rewritten
    }

    /// The same place with https when an https host gave its own name with http; nil when that is not the case.
    static func rewrittenToTLS(_ target: String, from url: String) -> String? {
        guard let new = URLParts(target), let old = URLParts(url), new.scheme == "http", old.scheme == "https",
            new.host == old.host, new.port == old.port || new.effectivePort == 80
        else { return nil }
        return "https://\(old.authority)\(new.path)\(new.query.map { "?" + $0 } ?? "")"
    }
}

/// Percent-encoding of values in a query or a form.
enum PercentEncoding {
    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(byte)
            default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
