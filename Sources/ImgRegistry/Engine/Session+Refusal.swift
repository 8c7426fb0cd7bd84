import ImgCredentials
import ImgHTTP
import ImgOCI
import ImgReport

extension Session {
    /// Bytes of an error's body that are read (NET-10).
    private static let bodyLimit = 1 << 20

    /// The error that a reply with a failing status stands for.
    func refusal(_ reply: Reply, _ call: Call, _ endpoint: Endpoint) async -> RegistryError {
        let body = (try? await reply.document(limit: Self.bodyLimit)) ?? []
        var error = self.error(.protocol, call.operation, "")
        error.status = reply.status
        error.server = reply.header("Server").map { ServerText.clean($0, limit: 80) }
        error.answers = ServerText.answers(in: body, contentType: reply.contentType)
            .map {
                RegistryAnswer(code: $0.code, message: client.authenticator.sent.masked($0.message))
            }
        error.retryAfter = Self.retryAfter(reply)
        let isPullLimit = reply.status == 429 && reply.header("ratelimit-limit") != nil && error.retryAfter == nil
        error.classify(isPullLimit: isPullLimit)
        if isPullLimit { error.notes += Self.pullLimitNotes(reply) }
        if reply.isForeign {
            // The address that a redirect gave has run out: the registry gives another (PULL-24).
            // An upload's host that wants to know who asks doesn't change its mind (PUSH-17).
            if reply.status == 401, case .absolute = call.target {
                error.hasOwnRemedies = true
            } else if [400, 401, 403, 404].contains(reply.status) {
                (error.code, error.isTransient) = (.unavailable, true)
            }
            let target = URLParts(reply.url).map(\.host) ?? "another host"
            error.reason = "\(target), where the registry redirects to, answered with status \(reply.status)"
        }
        if reply.status == 404, reply.contentType?.lowercased().hasPrefix("text/html") == true {
            error.reason = "\(endpoint.authority) answers with a web page: it does not look like a container registry"
            error.hints = [Self.webPageHint]
        }
        // nginx and the like end the handshake and then refuse whoever has shown no certificate, or a foreign one.
        if reply.status == 400, String(decoding: body, as: UTF8.self).contains("SSL certificate") {
            error.code = .tls
            error.wantsClientCertificate = true
            error.peer = URLParts(reply.url)?.authority
            error.reason = "\(error.peer ?? host.name) wants a certificate of the client that it knows"
        }
        if endpoint.isMirror { error.notes.append("asked: mirror \(endpoint.authority)") }
        if reply.status == 401, error.says("DENIED") || isInsufficientScope(reply) {
            error.reason = "the account may not do this"
            error.code = .denied
        }
        return error
    }

    /// A 401 from a host that had asked for a password and got one says that it does not take this one.
    func rejected(_ failure: RegistryError, _ endpoint: Endpoint) -> RegistryError {
        guard failure.code == .unauthorized, failure.status == 401, !failure.hasOwnRemedies,
            case .basic = client.authenticator.scheme(of: endpoint.authority),
            let used = client.authenticator.identity(for: self, at: endpoint), used.credential != .anonymous
        else { return failure }
        var copy = failure
        let name = endpoint.isMirror ? endpoint.authority : host.name
        copy.reason = "\(name) rejected the credentials of \(used.identity) from \(used.source)"
        copy.hasRejectedCredentials = true
        return copy
    }

    /// A stored password has expired, and no new one is to be had.
    func outdated(_ failure: RegistryError, _ endpoint: Endpoint, _ cause: BuildError) -> RegistryError {
        guard let used = client.authenticator.identity(for: self, at: endpoint) else { return failure }
        var copy = failure
        copy.code = .unauthorized
        copy.reason = "the password from \(used.source) has expired; Amazon ECR's hold for 12 hours"
        let own = cause.diagnostics.first
        copy.notes.append("signing in anew failed, too: \(own?.message ?? "\(cause)")")
        copy.notes += own?.notes ?? []
        copy.hints = ["imgbuild logout \(host.name) removes it; with AWS credentials imgbuild signs in itself"]
        copy.hints += own?.hints ?? []
        copy.hasOwnRemedies = true
        return copy
    }

    private static let webPageHint = "images on Docker Hub need no host; with Artifactory or Nexus check port and path"

    /// The error for a page where a document should be: another server, or the gate of a network; nil for anything else.
    func webPage(_ bytes: [UInt8], _ reply: Reply, _ operation: String) -> RegistryError? {
        let type = reply.contentType.map { ServerText.clean($0, limit: 80) } ?? "no content type"
        let isPage = type.lowercased().hasPrefix("text/html") || bytes.first { $0 > 0x20 } == UInt8(ascii: "<")
        guard isPage else { return nil }
        let place = URLParts(reply.url)?.authority ?? reply.endpoint.authority
        var error = self.error(
            .protocol,
            operation,
            "\(place) answers with a web page: it is not a container registry (status \(reply.status), \(type))"
        )
        error.answers = ServerText.answers(in: bytes, contentType: "text/html")
        error.hints = [Self.webPageHint, "a network that wants you to sign in first answers like this, too"]
        return error
    }

    private static func retryAfter(_ reply: Reply) -> Duration? {
        let now = reply.header("Date").flatMap { HTTPDate.parse($0) } ?? WallClock.seconds
        return reply.header("Retry-After").flatMap { RetryAfter.parse($0, now: now) }
    }

    private func isInsufficientScope(_ reply: Reply) -> Bool {
        Challenge.parse(reply.response.headers.values("WWW-Authenticate"))
            .contains { $0.parameters["error"] == "insufficient_scope" }
    }

    private static func pullLimitNotes(_ reply: Reply) -> [String] {
        ["ratelimit-limit", "ratelimit-remaining", "docker-ratelimit-source"]
            .compactMap { name in
                reply.header(name).map { "\(name): \(ServerText.clean($0, limit: 100))" }
            }
    }

    /// `Warning: 299` headers, each once (NET-12), and a pull limit that comes near (HUB-6).
    func showWarnings(of reply: Reply) {
        for line in reply.response.headers.values("Warning") where line.hasPrefix("299 - \"") {
            let said = ServerText.clean(String(line.dropFirst(7).prefix { $0 != "\"" }))
            let text = client.authenticator.sent.masked(said)
            guard client.notices.isFirst("\(host.name) \(text)") else { continue }
            client.events.emit(.warning(Diagnostic(.warning, "\(host.name) says: \"\(text)\"")))
        }
        guard let left = reply.header("ratelimit-remaining"), let count = Int(left.prefix { $0.isNumber }), count <= 10,
            client.notices.isFirst("limit of \(host.name)")
        else { return }
        let warning = Diagnostic(
            .warning,
            "\(count) pulls are left before the rate limit of \(host.name) is reached",
            hints: ["log in for a higher limit: imgbuild login \(host.name)"]
        )
        client.events.emit(.warning(warning))
    }
}
