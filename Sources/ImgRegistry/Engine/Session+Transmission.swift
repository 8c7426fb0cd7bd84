import ImgHTTP
import ImgOCI
import ImgReport
import ImgTasks

extension Session {
    /// Sends one request to an endpoint in the first connection mode that works (SCH-3).
    func transmit(
        _ call: Call,
        to endpoint: Endpoint,
        behind root: String,
        headers: HTTPHeaders
    ) async throws(RegistryError) -> (HTTPResponse, url: String) {
        let remembered = host.mode(for: endpoint.authority)
        let modes = remembered.map { [$0] } ?? endpoint.modes
        for (index, mode) in modes.enumerated() {
            let url = "\(mode.scheme)://\(endpoint.authority)\(root)"
            if mode.scheme == "http", headers.contains("Authorization") { warnAboutClearText(endpoint.authority) }
            do {
                let response = try await exchange(
                    call,
                    Destination(url: url, trust: endpoint.trust, verifies: mode.verifies),
                    headers
                )
                host.remember(mode, for: endpoint.authority)
                return (response, url)
            } catch {
                guard index + 1 < modes.count,
                    Self.permits(modes[index + 1], after: error, from: mode, at: Authority(endpoint.authority))
                else { throw failure(error, call, url) }
                client.events.emit(
                    .debug("\(endpoint.authority): \(mode.scheme) failed (\(error.message)), trying another way")
                )
            }
        }
        throw error(.configuration, call.operation, "no way to connect to \(endpoint.authority) is configured")
    }

    /// Credentials in clear text over a network deserve a word (SEC-6).
    private func warnAboutClearText(_ authority: String) {
        let text = "credentials for \(authority) are sent without encryption"
        guard NetworkAddress.classify(Authority(authority).host) != .loopback, client.notices.isFirst(text) else {
            return
        }
        client.events.emit(.warning(Diagnostic(.warning, text)))
    }

    /// Whether a failure justifies the next mode.
    ///
    /// A refused certificate gives up verification on loopback, a peer without TLS gives up TLS. Any other fault of a
    /// handshake doesn't show that there is none: somebody on the way may have caused it (SCH-3).
    private static func permits(
        _ next: ConnectionMode,
        after error: HTTPError,
        from mode: ConnectionMode,
        at authority: Authority
    ) -> Bool {
        switch error.code {
        case .tlsVerify: next.scheme == "https" && mode.verifies
        case .plainHTTPPeer: true
        case .connect: authority.port == nil
        default: false
        }
    }

    /// Sends one request to an absolute URL that a registry gave.
    func transmit(_ call: Call, to url: String, headers: HTTPHeaders) async throws(RegistryError) -> HTTPResponse {
        let authority = try authority(of: url, call.operation)
        let trust = try await trust(of: authority)
        let verifies = host.mode(for: authority.description)?.verifies ?? trust.verifies
        do {
            var destination = Destination(url: url, trust: trust, verifies: verifies)
            destination.refusesInternal = isSuspect(authority)
            return try await exchange(call, destination, headers)
        } catch {
            throw failure(error, call, url)
        }
    }

    func authority(of url: String, _ operation: String) throws(RegistryError) -> Authority {
        guard let parts = URLParts(url) else {
            throw error(.protocol, operation, "\"\(URLMask.mask(url))\" is not a URL")
        }
        return Authority(parts.authority)
    }

    /// A host's own trust: material configured for another is never used for it (TLS-6).
    func trust(of authority: Authority) async throws(RegistryError) -> HostTrust {
        for endpoint in try await configuration().endpoints where Authority(endpoint.authority) == authority {
            return endpoint.trust
        }
        return try await client.catalog.trust(of: authority)
    }

    private struct Destination {
        var url: String
        var trust: HostTrust
        var verifies: Bool
        /// Whether the name must not turn out to have an internal address.
        var refusesInternal = false
    }

    /// Whether a place that the registry named is to be looked at twice (SEC-4).
    private func isSuspect(_ authority: Authority) -> Bool {
        let settings = client.catalog.settings
        let own = Authority(host.apiHost).host
        return settings.isAddressStrict && authority.host != own
            && !settings.redirectHosts.contains(authority.host.trimmingBrackets())
            && NetworkAddress.classify(own) == .elsewhere
    }

    private func exchange(
        _ call: Call,
        _ destination: Destination,
        _ headers: HTTPHeaders
    ) async throws(HTTPError) -> HTTPResponse {
        var trust = destination.trust
        trust.verifies = destination.verifies
        let tls: TLSSettings
        let body: HTTPBody
        do {
            tls = try await client.catalog.tls(for: trust, host: host.name)
        } catch {
            throw HTTPError(.invalidRequest, error.reason, url: destination.url)
        }
        do {
            body = try await call.body()
        } catch {
            throw HTTPError(.bodySource, (error as? RegistryError)?.description ?? "\(error)", url: destination.url)
        }
        var request = HTTPRequest(method: call.method, url: destination.url, headers: headers, body: body, tls: tls)
        if let parts = URLParts(destination.url) {
            request.proxy = ProxySelection.proxy(for: parts, environment: client.catalog.settings.environment)
        }
        if destination.refusesInternal {
            request.refusesAddress = { NetworkAddress.classify($0) != .elsewhere }
        }
        request.isRepeatable = call.isRepeatable
        request.progress = call.progress
        request.totalTimeout = call.timeLimit
        return try await client.http.send(request)
    }

    /// The failure of a request that got no reply.
    func failure(_ error: HTTPError, _ call: Call, _ url: String) -> RegistryError {
        let target = (try? authority(of: url, call.operation))?.description ?? host.name
        var result = self.error(.network, call.operation, error.message)
        result.sent = error.sent
        switch error.retry {
        case .never: break
        case .ifHostWorked:
            result.isTransient = true
            if !host.governor.hasWorked { result.attemptLimit = 2 }
        case .yes: result.isTransient = true
        }
        switch error.code {
        case .resolve:
            result.reason = "cannot resolve \(target)"
            result.isBeforeSending = true
        case .connect:
            result.reason = "cannot connect to \(target): \(error.cause)"
            result.isBeforeSending = true
            result.hints = reachability(of: target, url)
            // Where nothing has ever answered, patience is rarely rewarded.
            if !host.governor.hasWorked { result.attemptLimit = 3 }
        case .addressRefused:
            result.code = .blocked
            result.reason = "the registry leads to \(target), which is not asked: \(error.message)"
        case .proxy:
            result.hints = ["check address and credentials in HTTPS_PROXY, or add \(target) to NO_PROXY"]
        case .timeout: result.hints = reachability(of: target, url)
        case .tlsHandshake where (try? authority(of: url, call.operation)).map(mayBePlain) ?? false:
            result.hints = ["if \(target) speaks plain HTTP only: server = \"http://\(target)\" in its hosts.toml"]
        case .tlsVerify:
            result.code = .tls
            result.peer = target
            result.reason = "the certificate of \(target) is not trusted: \(error.cause)"
        case .plainHTTPPeer:
            result.code = .tls
            result.peer = target
            result.reason = "\(target) answered plain HTTP on an HTTPS connection"
        case .invalidRequest: result.code = .configuration
        case .cancelled:
            result.code = .cancelled
            result.reason = "cancelled"
        case .bodySource:
            result.code = .configuration
            result.reason = "cannot read what is to be sent: \(error.message)"
        default: break
        }
        return result
    }

    /// What to look at when a host can't be reached.
    private func reachability(of target: String, _ url: String) -> [String] {
        if NetworkAddress.classify(Authority(target).host) == .loopback {
            return ["is a registry running at \(target)?"]
        }
        let environment = client.catalog.settings.environment
        let proxy = URLParts(url).flatMap { ProxySelection.proxy(for: $0, environment: environment) }
        guard let proxy else {
            return ["check the network; no proxy is used for \(target): see HTTPS_PROXY and NO_PROXY"]
        }
        return ["check the network and the proxy \(URLMask.mask(proxy)); NO_PROXY leads past it"]
    }

    private func mayBePlain(_ authority: Authority) -> Bool {
        client.catalog.settings.isInsecure(authority) || NetworkAddress.classify(authority.host) == .loopback
    }
}
