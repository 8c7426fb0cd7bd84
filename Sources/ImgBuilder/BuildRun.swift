import ImgChecks
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStore
import ImgTasks

/// One build from its request to its result: the straight path of `docs/architecture.md`.
struct BuildRun: Sendable {
    let session: BuildSession
    let request: BuildRequest
    private let openedRemotes = OnceMap<String, RemoteSources>()

    init(session: BuildSession, request: BuildRequest) {
        self.session = session
        self.request = request
    }

    var pool: BlockingPool { session.pool }
    var events: any EventSink { session.events }
    var git: GitCommand { GitCommand(variables: session.environment.variables) }

    /// What is fetched from elsewhere, once per build.
    func remotes() async throws -> RemoteSources {
        let (session, git, pool) = (session, git, pool)
        return try await openedRemotes.value(for: "") {
            let downloads = Downloads(
                http: session.http,
                trust: session.trust,
                environment: session.environment.variables,
                pool: pool,
                spoolDirectory: try await session.store().scratchDirectory
            )
            return RemoteSources(downloads: downloads, git: git, scratch: session.scratch, pool: pool)
        }
    }

    // MARK: - Building

    func build() async throws -> BuildResult {
        let (planned, ready, warnings) = try await prepared()
        let checks = ImageChecks(request: request, file: planned.context.dockerfile)
        let builder = try await layerBuilder(planned, ready.shared)
        let built = try await buildLayers(ready, builder, checks)
        let identical = IdenticalExecutables(policy: checks.policy)
            .findings(
                built.map { (platform: $0.resolved.platform, own: $0.layers.compactMap(\.own)) }
            )
        for finding in identical { events.emit(.warning(finding)) }
        let images = try await finish(planned, built, checks)
        let result = try await ready.publisher.publish(images, warnings: warnings + identical)
        try await exportCache(built, ready.baseLayers, builder)
        return result
    }

    /// Everything that can be known, asked and refused before the first layer is made.
    func prepared() async throws -> (planned: Planned, ready: Ready, warnings: [Diagnostic]) {
        // Before anything is fetched.
        _ = try compressionSettings()
        async let loaded = SharedCache.load(
            request.usesCache ? request.cacheSources : [],
            ImageSources(session: session),
            events
        )
        let consumers = try Consumer.named(request.consumers)
        let places = OutputPlaces(request: request, environment: session.environment)
        try await pool.run { try places.check() }
        let planned = try await plan(try await prepare(.build))
        try places.check(platforms: planned.plan.platforms.count)
        for diagnostic in planned.plan.diagnostics { events.emit(.warning(diagnostic)) }
        let ready = try await makeReady(planned, await loaded)
        let checks = ImageChecks(request: request, file: planned.context.dockerfile)
        var warnings = planned.plan.diagnostics
        if let mixed = mixedCompression(ready.platforms) {
            events.emit(.warning(mixed))
            warnings.append(mixed)
        }
        let isPushed = !ready.publisher.targets.repositories.isEmpty
        for warning in try layerCountFindings(ready.platforms, isPushed: isPushed) {
            events.emit(.warning(warning))
            warnings.append(warning)
        }
        let unused = UnusedAnnotations(
            annotations: request.annotations,
            platforms: ready.platforms.map(\.platform),
            hasIndex: ready.platforms.count > 1 || ready.forcesIndex
        )
        try unused.refuse()
        for warning in unused.warnings { events.emit(.warning(warning)) }
        warnings += unused.warnings
        // What a consumer refuses is known from the plan: nothing has been built for it, let alone sent.
        let refused = try await consumerFindings(consumers, planned, ready.platforms, ready.baseLayers)
        try checks.enforce(consumers: refused, events: events)
        return (planned, ready, warnings + refused)
    }

    /// Everything that is known before the first layer is made.
    struct Ready: Sendable {
        var platforms: [ResolvedPlatform]
        var baseLayers: BaseLayers
        /// Knows what the repositories have.
        var publisher: Publisher
        var forcesIndex: Bool
        var shared: SharedCache?
    }

    /// Resolves what is copied, and asks for permission to push meanwhile: neither's failure waits for the other.
    private func makeReady(_ planned: Planned, _ shared: SharedCache?) async throws -> Ready {
        var request = request
        if try BuilderArguments(buildArguments, platforms: request.platforms).forcesIndex { request.forcesIndex = true }
        let target = Publisher(request: request, session: session, cache: try await session.documents())
        let (resolved, publisher) = try await both {
            try await resolve(planned, shared)
        } _: {
            try await target.probed(for: planned.plan.platforms.map(\.platform))
        }
        return Ready(
            platforms: resolved.platforms,
            baseLayers: resolved.baseLayers,
            publisher: publisher,
            forcesIndex: request.forcesIndex,
            shared: shared
        )
    }
}
