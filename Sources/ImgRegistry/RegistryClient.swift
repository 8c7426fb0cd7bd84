package import ImgCredentials
package import ImgHTTP
package import ImgOCI
package import ImgReport
package import ImgTasks
import Synchronization

/// Limits and habits of a ``RegistryClient``.
package struct RegistryOptions: Sendable {
    /// Blob transfers at one host at a time (NET-11).
    package var transfersPerHost = 4
    /// Small requests at one host at a time.
    package var requestsPerHost = 4
    /// For everything but 429 (RETRY-4).
    package var retry = RetryPolicy()
    /// For 429 without `Retry-After` (RETRY-6).
    package var throttleRetry = RetryPolicy(attempts: 8, base: .seconds(2), cap: .seconds(60))
    /// Waits before a manifest is put again whose parts the registry doesn't see yet (PUSH-34).
    package var consistencyDelays: [Duration] = [.seconds(1), .seconds(2), .seconds(4), .seconds(8)]
    /// How long a new repository may stay invisible (ECR-23).
    package var creationGrace: Duration = .seconds(30)
    /// Whether referrers are recorded under the fallback tag where the registry has no API for them (PUSH-36).
    package var updatesReferrersTag = true
    /// Makes a missing repository on a push; returns false when it can't for this host.
    package var createRepository: (@Sendable (_ host: String, _ path: String) async throws(BuildError) -> Bool)?
    /// How to wait.
    package var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    package init() {}
}

/// Talks to container registries: the distribution specification over HTTP.
///
/// One client serves a whole run: tokens, working connection modes, upload methods and back-off are learned once for
/// each host and shared.
/// - SeeAlso: <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md>
package final class RegistryClient: Sendable {
    let http: HTTPClient
    let options: RegistryOptions
    let catalog: HostCatalog
    let events: any EventSink
    let authenticator: Authenticator
    let uploads = UploadLedger()
    let openUploads = OpenUploads()
    let notices = OnceNotices()
    private let hosts = Mutex<[String: RegistryHost]>([:])

    /// - Parameters:
    ///   - pool: For reading configuration files.
    ///   - events: Warnings, notices of retries and debug lines; secrets are masked.
    package convenience init(
        http: HTTPClient,
        credentials: CredentialResolver,
        hosts: HostSettings,
        options: RegistryOptions = RegistryOptions(),
        pool: BlockingPool,
        events: any EventSink
    ) {
        let trust = ServerTrust(settings: hosts, pool: pool, events: events)
        self.init(http: http, credentials: credentials, trust: trust, options: options, events: events)
    }

    /// - Parameters:
    ///   - trust: Shared with those who ask other servers.
    ///   - events: Warnings, notices of retries and debug lines; secrets are masked.
    package init(
        http: HTTPClient,
        credentials: CredentialResolver,
        trust: ServerTrust,
        options: RegistryOptions,
        events: any EventSink
    ) {
        self.http = http
        self.options = options
        self.events = events
        catalog = trust.catalog
        authenticator = Authenticator(credentials: credentials, events: events)
    }

    /// The repository of a reference, for reading or, with rights for it, for pushing.
    ///
    /// Nothing is sent. A push asks for `pull,push` from the first request on (AUTH-11).
    package func repository(_ reference: ImageReference, for purpose: CredentialPurpose = .pull) -> Repository {
        let host = host(reference.domain, apiHost: reference.apiHost)
        return Repository(session: Session(client: self, host: host, path: reference.path, purpose: purpose))
    }

    func host(_ name: String, apiHost: String) -> RegistryHost {
        let key = name.lowercased()
        return hosts.withLock { known in
            if let host = known[key] { return host }
            let host = RegistryHost(name: name, apiHost: apiHost, options: options)
            known[key] = host
            return host
        }
    }
}

/// Messages that are shown once in a run.
final class OnceNotices: Sendable {
    private let seen = Mutex<Set<String>>([])

    func isFirst(_ text: String) -> Bool { seen.withLock { $0.insert(text).inserted } }
}
