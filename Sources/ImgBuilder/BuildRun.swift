import ImgChecks
import ImgExport
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStore
import ImgStream
import ImgTasks
import ImgTree

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
                environment: session.environment.variables,
                pool: pool,
                spoolDirectory: try await session.store().scratchDirectory
            )
            return RemoteSources(downloads: downloads, git: git, scratch: session.scratch, pool: pool)
        }
    }

    // MARK: - Building

    func build() async throws -> BuildResult {
        async let loaded = SharedCache.load(
            request.usesCache ? request.cacheSources : [],
            ImageSources(registry: session.registry, pool: pool, environment: session.environment),
            events
        )
        let consumers = try Consumer.named(request.consumers)
        let planned = try await plan(try await prepare(.build))
        for diagnostic in planned.plan.diagnostics { events.emit(.warning(diagnostic)) }
        var request = request
        if try BuilderArguments(buildArguments, platforms: request.platforms).forcesIndex { request.forcesIndex = true }
        let target = Publisher(request: request, session: session, cache: try await session.documents())
        // Permission is asked for while bases are read, and known before anything is uploaded.
        async let probe = target.probed(for: planned.plan.platforms.map(\.platform))
        let publisher: Publisher
        let shared = await loaded
        let resolved: (platforms: [ResolvedPlatform], baseLayers: BaseLayers)
        do {
            resolved = try await resolve(planned, shared)
            publisher = try await probe
        } catch {
            _ = try? await probe
            throw error
        }
        let mixed = mixedCompression(resolved.platforms).map { [$0] } ?? []
        for warning in mixed { events.emit(.warning(warning)) }
        let checks = ImageChecks(request: request, file: planned.context.dockerfile)
        // What a consumer refuses is known from the plan: nothing has been built for it, let alone sent.
        let refused = try await consumerFindings(consumers, planned, resolved.platforms, resolved.baseLayers)
        try checks.enforce(consumers: refused, events: events)
        let builder = try await layerBuilder(planned, shared)
        let built = try await buildLayers(
            resolved.platforms,
            resolved.baseLayers,
            builder,
            publisher,
            checks,
            converted: try await convertedBases(resolved.platforms, resolved.baseLayers)
        ) { layer in try Self.origin(of: layer, shared) }
        let identical = IdenticalExecutables(policy: checks.policy)
            .findings(
                built.map { (platform: $0.resolved.platform, own: $0.layers.compactMap(\.own)) }
            )
        for finding in identical { events.emit(.warning(finding)) }
        let images = try await finish(planned, built, checks)
        let result = try await publisher.publish(
            images,
            warnings: planned.plan.diagnostics + mixed + refused + identical
        )
        try await exportCache(built, resolved.baseLayers, builder)
        return result
    }

    /// One platform's target stage, its contents at hand.
    struct ResolvedPlatform: Sendable {
        var platform: Platform
        var stage: StageResolver.Stage
    }

    private func resolve(
        _ planned: Planned,
        _ shared: SharedCache?
    ) async throws -> (platforms: [ResolvedPlatform], baseLayers: BaseLayers) {
        let store = try await session.store()
        let baseLayers = BaseLayers(
            store: store,
            pool: pool,
            events: events,
            spoolDirectory: store.scratchDirectory,
            shared: shared,
            workers: session.workers
        )
        for base in planned.bases.values { base.layers.forEach(baseLayers.register) }
        let epoch = planned.epoch.map { Timestamp(seconds: $0) }
        let remotes = try await remotes()
        let contexts = ContextSet(main: planned.context, remotes: remotes, scratch: session.scratch, pool: pool)
        let copies = CopyResolver(
            pool: pool,
            layers: baseLayers,
            spoolDirectory: store.scratchDirectory,
            times: CopyResolver.Times(epoch: epoch, clamp: epoch)
        )
        let memo = CopyMemo(copies)
        let platforms = try await withThrowingTaskGroup(of: (Int, ResolvedPlatform).self) { group in
            for (index, plan) in planned.plan.platforms.enumerated() {
                let resolver = StageResolver(
                    plan: plan,
                    bases: planned.bases,
                    contexts: contexts,
                    remotes: remotes,
                    resolver: copies,
                    memo: memo,
                    baseLayers: baseLayers,
                    events: events
                )
                group.addTask {
                    (index, ResolvedPlatform(platform: plan.platform, stage: try await resolver.target()))
                }
            }
            var found: [Int: ResolvedPlatform] = [:]
            for try await (index, platform) in group { found[index] = platform }
            return found.sorted { $0.key < $1.key }.map(\.value)
        }
        return (platforms, baseLayers)
    }

    // MARK: - Assembling

    private func finish(
        _ planned: Planned,
        _ platforms: [BuiltPlatform],
        _ checks: ImageChecks
    ) async throws -> [FinishedImage] {
        let assembler = Assembler(usesDockerTypes: request.usesDockerMediaTypes, annotations: request.annotations)
        var images: [FinishedImage] = []
        for platform in platforms {
            let own = platform.layers.compactMap(\.own)
            let found = platform.layers.flatMap(\.findings)
            let start = try await checks.startFindings(
                platform: platform.resolved.platform,
                config: platform.resolved.stage.plan.config,
                files: StageFiles(tree: platform.resolved.stage.tree, own: own.map(\.layer.notes)),
                known: found
            )
            images.append(
                FinishedImage(
                    platform: platform.resolved.platform,
                    image: assembler.image(
                        Assembler.Parts(
                            platform: platform.resolved.platform,
                            config: config(planned, platform),
                            layers: platform.layers.map(\.blob)
                        )
                    ),
                    baseLayerCount: platform.layers.count { $0.own == nil },
                    findings: found + start
                )
            )
        }
        try checks.enforce(images.map { ($0.platform, $0.findings) }, events: events)
        return images
    }

    private func config(_ planned: Planned, _ platform: BuiltPlatform) -> ImageConfig {
        var config = platform.resolved.stage.plan.config
        config.diffIDs = platform.layers.map(\.diffID)
        var times =
            platform.layers
            .compactMap { layer in
                // A layer of other times brings its own, or the same files would give another image on each machine.
                layer.own.map { $0.layer.shared?.newestSourceTime ?? $0.spec.newestSourceTime }
            }[...]
        let steps = platform.resolved.stage.history.map { step in
            (step: step, created: step.emptyLayer ? nil : (times.popFirst() ?? nil))
        }
        config.history = History.assemble(
            base: config.history,
            baseLayers: platform.layers.count { $0.own == nil },
            steps: steps,
            epoch: planned.epoch.map { Timestamp(seconds: $0) }
        )
        config.created = config.history.last { $0.created != nil }?.created
        return config
    }
}

/// One platform's image with what was found about it.
struct FinishedImage: Sendable {
    var platform: Platform
    var image: ImageGraph.Image
    var baseLayerCount: Int
    var findings: [Diagnostic]
}
