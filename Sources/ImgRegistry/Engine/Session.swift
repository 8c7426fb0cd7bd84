import ImgCredentials
import ImgHTTP
import ImgOCI
import ImgReport
import ImgTasks

/// Requests of one repository under one purpose: endpoints, authentication, redirects and retries.
struct Session: Sendable {
    let client: RegistryClient
    let host: RegistryHost
    let path: String
    let purpose: CredentialPurpose

    var options: RegistryOptions { client.options }
    /// `host/path` for people.
    var place: String { "\(host.name)/\(path)" }

    func error(_ code: RegistryError.Code, _ operation: String, _ reason: String) -> RegistryError {
        RegistryError(code, host: host.name, repository: path, operation: operation, reason: reason)
    }

    func configuration() async throws(RegistryError) -> HostConfiguration {
        let found = try await client.catalog.configuration(host: host.name, apiHost: host.apiHost, path: path)
        guard !found.isBlocked else {
            throw error(.configuration, "use the registry", "it is blocked by \(found.source)")
        }
        if let limit = host.quirks.maxPathComponents, purpose == .push, path.split(separator: "/").count > limit {
            let reason = "\(host.quirks.product.rawValue) takes names of \(limit) components (namespace/repository)"
            throw error(.refused, "push", reason)
        }
        return found
    }

    /// The repository's name in requests and scopes.
    var wirePath: String { get async throws(RegistryError) { try await wirePath(of: path) } }

    /// The name that a repository has in requests, which `registries.conf` may have rewritten (MIR-7).
    func wirePath(of path: String) async throws(RegistryError) -> String {
        let found = try await client.catalog.configuration(host: host.name, apiHost: host.apiHost, path: path)
        return found.rewrite?.apply(path) ?? path
    }

    /// Sends a request to the registry itself, or to where pushes go.
    func send(_ call: Call) async throws(RegistryError) -> Reply {
        let configuration = try await configuration()
        let isPull = call.access == .read && purpose == .pull
        guard let endpoint = isPull ? configuration.endpoints.last : configuration.pushEndpoint else {
            throw error(.configuration, call.operation, "no endpoint is configured")
        }
        return try await send(call, to: endpoint)
    }

    /// Reads from the first endpoint that has it, mirrors before the registry (MIR-8).
    func read(_ call: Call, needing capability: Endpoint.Capabilities) async throws(RegistryError) -> Reply {
        guard purpose == .pull else { return try await send(call) }
        var candidates = try await configuration().endpoints
            .filter {
                $0.capabilities.contains(capability) && !host.isDamaged($0)
            }
        if capability == .pull, let preferred = host.readEndpoint, let place = candidates.firstIndex(of: preferred) {
            candidates.insert(candidates.remove(at: place), at: 0)
        }
        var failures: [(Endpoint, RegistryError)] = []
        for (index, endpoint) in candidates.enumerated() {
            let isLast = index == candidates.count - 1
            do {
                let reply = try await send(call, to: endpoint, attempts: isLast ? nil : 2)
                if capability == .resolve { host.readEndpoint = endpoint }
                return reply
            } catch {
                guard !isLast, Self.goesOn(after: error) else { throw Self.combined(error, failures) }
                failures.append((endpoint, error))
                client.events.emit(.debug("\(endpoint.authority) did not serve \(place): \(error.reason)"))
            }
        }
        throw error(.configuration, call.operation, "no endpoint of \(host.name) may be asked for this")
    }

    private static func goesOn(after error: RegistryError) -> Bool {
        error.code != .cancelled && error.code != .configuration
    }

    private static func combined(_ last: RegistryError, _ earlier: [(Endpoint, RegistryError)]) -> RegistryError {
        var copy = last
        copy.notes += earlier.map { "mirror \($0.0.authority): \($0.1.reason)" }
        return copy
    }

    /// Sends a request until it succeeds, its failure is final, or its attempts are used up (section 12).
    ///
    /// - Returns: A reply with a status of 200…299, or of 300…399 when redirects aren't followed.
    func send(_ call: Call, to endpoint: Endpoint, attempts limit: Int? = nil) async throws(RegistryError) -> Reply {
        var budget = RetryBudget(options: options, limit: limit)
        var hasAlternative = true
        while true {
            var failure: RegistryError
            do {
                try await waitForPause(call)
                let reply = try await slotted(call, endpoint)
                if (200...299).contains(reply.status) || (!call.followsRedirects && (300...399).contains(reply.status))
                {
                    host.governor.succeeded()
                    showWarnings(of: reply)
                    return reply
                }
                failure = await refusal(reply, call, endpoint)
            } catch {
                failure = error
            }
            // A password stored long ago has expired, and there is a way to get a new one (CFG-5).
            if hasAlternative, failure.status == 403, failure.mentions("expired") {
                hasAlternative = false
                do throws(BuildError) {
                    if try await client.authenticator.takeAlternative(for: self, at: endpoint) { continue }
                } catch {
                    guard error.code != .interrupted else { throw self.error(.cancelled, call.operation, "cancelled") }
                    failure = outdated(failure, endpoint, error)
                }
            }
            guard call.isRepeatable, let delay = budget.next(after: failure) else {
                failure = rejected(failure, endpoint)
                throw budget.final(failure, identity: client.authenticator.identity(for: self, at: endpoint))
            }
            try await wait(delay, after: failure, attempt: budget.attempt)
        }
    }

    /// Waits before another try; a throttling host is left alone by everybody.
    func wait(_ delay: Duration, after failure: RegistryError, attempt: Int) async throws(RegistryError) {
        if failure.status == 429 { host.governor.throttle(for: delay) }
        let pause = delay.tenthsOfSeconds
        let line = "retrying in \(pause) s: \(failure.operation) at \(host.name): \(failure.reason)"
        client.events.emit(attempt >= 3 ? .note(line) : .debug(line))
        try await sleep(delay, failure.operation)
    }

    func sleep(_ delay: Duration, _ operation: String) async throws(RegistryError) {
        guard delay > .zero else { return }
        do {
            try await options.sleep(delay)
        } catch {
            throw self.error(.cancelled, operation, "cancelled")
        }
    }

    private func waitForPause(_ call: Call) async throws(RegistryError) {
        try await sleep(host.governor.pause, call.operation)
    }

    private func slotted(_ call: Call, _ endpoint: Endpoint) async throws(RegistryError) -> Reply {
        let limiter: Limiter
        switch call.weight {
        case .small: limiter = host.governor.requests
        case .transfer: limiter = host.governor.transfers
        case .held: return try await authorized(call, endpoint)
        }
        do {
            return try await limiter.withSlot { try await authorized(call, endpoint) }
        } catch let error as RegistryError {
            throw error
        } catch {
            throw self.error(.cancelled, call.operation, "cancelled")
        }
    }
}

/// Counts the attempts of one request (RETRY-4…6).
struct RetryBudget {
    private let options: RegistryOptions
    private let limit: Int?
    private(set) var attempt = 1
    private var first: RegistryError?
    private var random = SystemRandomNumberGenerator()

    /// The longest wait that a server may ask for.
    private static let longestPause = Duration.seconds(300)

    init(options: RegistryOptions, limit: Int? = nil) {
        self.options = options
        self.limit = limit
    }

    /// How long to wait before the next attempt; nil when there is none.
    mutating func next(after failure: RegistryError) -> Duration? {
        if first == nil { first = failure }
        guard failure.isTransient else { return nil }
        let policy = failure.status == 429 && failure.retryAfter == nil ? options.throttleRetry : options.retry
        guard attempt < min(limit ?? Int.max, failure.attemptLimit ?? Int.max, policy.attempts) else { return nil }
        if let asked = failure.retryAfter, asked > Self.longestPause { return nil }
        let delay = policy.delay(attempt: attempt, retryAfter: failure.retryAfter, random: &random)
        attempt += 1
        return delay
    }

    /// Progress earns fresh attempts (RETRY-5).
    mutating func reset() { attempt = 1 }

    /// The failure that ends it, with what is known about the attempts (RETRY-9) and about who asked (AUTH-30).
    func final(_ failure: RegistryError, identity: ResolvedCredential?) -> RegistryError {
        var copy = failure
        copy.attempts = attempt
        if let first, attempt > 1 { copy.firstReason = first.reason }
        if let asked = failure.retryAfter, asked > Self.longestPause {
            copy.notes.append("the registry asks to wait \(asked.components.seconds) s")
        }
        guard let identity, let status = failure.status, [401, 403, 404].contains(status), copy.identity == nil else {
            return copy
        }
        copy.identity = identity.identity
        copy.credentialSource = identity.source
        return copy
    }
}

extension Duration {
    /// As people read it: `1.4`.
    fileprivate var tenthsOfSeconds: String {
        let tenths = Int64((self / .milliseconds(100)).rounded(.up))
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
