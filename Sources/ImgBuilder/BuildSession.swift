import Glibc
import ImgCredentials
import ImgExport
import ImgHTTP
import ImgLayers
import ImgOCI
import ImgPlan
import ImgRegistry
import ImgReport
import ImgStore
import ImgStream
import ImgTasks

/// What the commands of one process share: threads, connections, tokens, the cache.
final class BuildSession: Sendable {
    let environment: BuilderEnvironment
    let events: any EventSink
    let pool: BlockingPool
    let http: HTTPClient
    let trust: ServerTrust
    let credentials: CredentialResolver
    let registry: RegistryClient
    let workers: Int
    let scratch: ScratchDirectories
    private let openedStore = OnceMap<String, ContentStore>()

    init(environment: BuilderEnvironment, events: any EventSink, createsRepository: Bool = false) {
        self.environment = environment
        self.events = events
        workers = environment.workers ?? Processors.available
        // Threads beyond the processors are those that wait for the network or the disk.
        pool = BlockingPool(threads: workers + 4)
        http = HTTPClient(configuration: .imgbuild(events: events))
        trust = ServerTrust(settings: .make(environment), pool: pool, events: events)
        credentials = CredentialResolver.make(environment, http: http, trust: trust, pool: pool, events: events)
        registry = RegistryClient.make(
            environment,
            http: http,
            trust: trust,
            credentials: credentials,
            createsRepository: createsRepository,
            events: events
        )
        scratch = ScratchDirectories(parent: environment.temporaryDirectory, pool: pool)
    }

    /// Gives back uploads that were begun twice, and are there by the other way.
    func finish() async { await registry.cancelUploads() }

    /// Gives back what work that failed or was cancelled has left at registries and on the disk.
    func abandon() async {
        await registry.cancelUploads()
        let store = openedStore.value(ifReady: environment.resolvedCacheDirectory)
        await tidy { store?.removeDrafts() }
    }

    /// Removes temporary files and ends the connections.
    func shutdown() async {
        let (scratch, store) = (scratch, openedStore.value(ifReady: environment.resolvedCacheDirectory))
        await tidy {
            scratch.removeAll()
            store?.removeTemporaryFiles()
        }
        http.shutdown()
    }

    /// Runs blocking work on the pool, in a task of its own: that of the caller may be cancelled.
    private func tidy(_ work: @Sendable @escaping () -> Void) async {
        let pool = pool
        _ = await Task { try await pool.run(work) }.result
    }

    /// The content store, opened when first needed; a cache that can't be written costs a warning, not the build.
    func store() async throws -> ContentStore {
        let (path, fallback, pool, events) = (
            environment.resolvedCacheDirectory, environment.temporaryDirectory, pool, events
        )
        return try await openedStore.value(for: path) {
            let warn: @Sendable (String) -> Void = { reason in
                let warning = Diagnostic(
                    .warning,
                    "building without a cache: \(reason)",
                    hints: ["choose another directory with --cache-dir or IMGBUILD_CACHE_DIR"]
                )
                events.emit(.warning(warning))
            }
            let store = try await pool.run {
                let store = try ContentStore.open(at: path, fallback: fallback, warn: warn)
                store.keepFromPruning()
                return store
            }
            if let reason = store.degradation { warn(reason) }
            return store
        }
    }

    /// Manifests and configurations that earlier builds read.
    func documents() async throws -> DocumentCache { DocumentCache(store: try await store(), pool: pool) }
}

extension BuilderEnvironment {
    /// `$TMPDIR`, else `/tmp`.
    var temporaryDirectory: String {
        variables["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp"
    }
}

extension HTTPConfiguration {
    /// NET-2.
    static func imgbuild(events: any EventSink) -> HTTPConfiguration {
        var configuration = HTTPConfiguration()
        let host = Platform.host
        configuration.userAgent = "imgbuild/\(Product.version) (\(host.os); \(host.architecture))"
        configuration.trace = { trace in events.emit(.debug("\(trace)")) }
        return configuration
    }
}

extension HostSettings {
    static func make(_ environment: BuilderEnvironment) -> HostSettings {
        let settings = environment.registry
        var hosts = HostSettings(
            environment: environment.variables,
            home: environment.homeDirectory,
            hostsDirectories: settings.configurationDirectories
        )
        hosts.insecureHosts = settings.insecureHosts
        hosts.certificateAuthorities = settings.certificateAuthorities.map {
            HostSettings.CertificateAuthority(host: $0.host, path: $0.path)
        }
        hosts.redirectHosts = Set(settings.redirectHosts.map { $0.lowercased().filter { $0 != "[" && $0 != "]" } })
        hosts.isAddressStrict = settings.refusesInternalAddresses
        hosts.isRealmStrict = settings.requiresRelatedRealm
        return hosts
    }
}

extension RegistryClient {
    static func make(
        _ environment: BuilderEnvironment,
        http: HTTPClient,
        trust: ServerTrust,
        credentials: CredentialResolver,
        createsRepository: Bool,
        events: any EventSink
    ) -> RegistryClient {
        var options = RegistryOptions()
        if let concurrency = environment.registry.concurrency {
            options.transfersPerHost = concurrency
            options.requestsPerHost = concurrency
        }
        if createsRepository {
            options.createRepository = { host, path throws(BuildError) in
                guard let registry = ECRRegistry(host: host) else {
                    events.emit(
                        .note(
                            "--create-repository has no effect at \(host): imgbuild creates repositories at Amazon ECR only"
                        )
                    )
                    return false
                }
                _ = try await credentials.ecr.createRepository(path, at: registry, ECRRepositoryOptions())
                return true
            }
        }
        return RegistryClient(http: http, credentials: credentials, trust: trust, options: options, events: events)
    }
}

extension CredentialResolver {
    static func make(
        _ environment: BuilderEnvironment,
        http: HTTPClient,
        trust: ServerTrust,
        pool: BlockingPool,
        events: any EventSink
    ) -> CredentialResolver {
        var options = Options()
        options.awsProfile = environment.registry.awsProfile
        return CredentialResolver(
            context: .make(environment, http: http, trust: trust, pool: pool, events: events),
            options: options
        )
    }
}

extension CredentialContext {
    static func make(
        _ environment: BuilderEnvironment,
        http: HTTPClient,
        trust: ServerTrust,
        pool: BlockingPool,
        events: any EventSink
    ) -> CredentialContext {
        CredentialContext(
            environment: CredentialEnvironment(
                variables: environment.variables,
                home: environment.homeDirectory,
                now: { Timestamp(seconds: Int64(time(nil))) }
            ),
            files: LocalCredentialFiles(pool: pool),
            processes: SubprocessRunner(pool: pool),
            transport: HTTPCredentialTransport(http: http, trust: trust, environment: environment.variables),
            events: events
        )
    }
}
