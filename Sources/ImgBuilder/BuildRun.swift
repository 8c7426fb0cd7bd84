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
        let planned = try await plan(try await prepare(.build))
        for diagnostic in planned.plan.diagnostics { events.emit(.warning(diagnostic)) }
        var request = request
        if try BuilderArguments(buildArguments, platforms: request.platforms).forcesIndex { request.forcesIndex = true }
        let publisher = try Publisher(request: request, session: session)
        // Permission is asked for while layers are compressed, and known before anything is uploaded.
        async let probe: Void = publisher.probe()
        let resolved: (platforms: [ResolvedPlatform], baseLayers: BaseLayers)
        do {
            resolved = try await resolve(planned)
            try await probe
        } catch {
            try? await probe
            throw error
        }
        let built = try await buildLayers(resolved.platforms, resolved.baseLayers, publisher)
        let shared = IdenticalExecutables(request: request)
            .findings(
                built.map { (platform: $0.resolved.platform, own: $0.layers.compactMap(\.own)) }
            )
        for finding in shared { events.emit(.warning(finding)) }
        let images = try await finish(planned, built)
        return try await publisher.publish(images, warnings: planned.plan.diagnostics + shared)
    }

    /// One platform's target stage, its contents at hand.
    private struct ResolvedPlatform: Sendable {
        var platform: Platform
        var stage: StageResolver.Stage
    }

    private func resolve(
        _ planned: Planned
    ) async throws -> (platforms: [ResolvedPlatform], baseLayers: BaseLayers) {
        let store = try await session.store()
        let baseLayers = BaseLayers(
            store: store,
            pool: pool,
            events: events,
            spoolDirectory: store.scratchDirectory,
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
        let platforms = try await withThrowingTaskGroup(of: (Int, ResolvedPlatform).self) { group in
            for (index, plan) in planned.plan.platforms.enumerated() {
                let resolver = StageResolver(
                    plan: plan,
                    bases: planned.bases,
                    contexts: contexts,
                    remotes: remotes,
                    resolver: copies,
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

    /// A layer's place: number of the platform, number among its layers.
    private struct Place: Hashable {
        var platform: Int
        var layer: Int
    }

    /// Looks every layer up in the cache; only for those that are not there, what lies in base layers is fetched, for all
    /// platforms at once.
    private func order(
        _ platforms: [ResolvedPlatform],
        _ builder: LayerBuilder,
        _ baseLayers: BaseLayers
    ) async throws -> [Place: LayerBuilder.Order] {
        var orders = try await withThrowingTaskGroup(of: (Place, LayerBuilder.Order).self) { group in
            for (number, platform) in platforms.enumerated() {
                for (layer, content) in platform.stage.layers.enumerated() {
                    guard case .own(let spec, _) = content else { continue }
                    group.addTask { (Place(platform: number, layer: layer), try await builder.order(spec)) }
                }
            }
            var orders: [Place: LayerBuilder.Order] = [:]
            for try await (place, order) in group { orders[place] = order }
            return orders
        }
        let missing = orders.filter { $0.value.found == nil && !$0.value.spec.contentsInLayers.isEmpty }.map(\.key)
        let fetched = try await baseLayers.materialize(missing.compactMap { orders[$0]?.spec })
        for (place, spec) in zip(missing, fetched) { orders[place]?.spec = spec }
        return orders
    }

    /// A layer in the store or at its source.
    private struct FinishedLayer: Sendable {
        var blob: Blob
        var diffID: Digest
        /// Nil for a layer of the base.
        var own: (layer: BuiltLayer, spec: LayerSpec, step: Step)?
    }

    /// One platform with every layer in the store or at its source.
    private struct BuiltPlatform: Sendable {
        var resolved: ResolvedPlatform
        /// As `resolved.stage.layers`.
        var layers: [FinishedLayer]
    }

    private func buildLayers(
        _ platforms: [ResolvedPlatform],
        _ baseLayers: BaseLayers,
        _ publisher: Publisher
    ) async throws -> [BuiltPlatform] {
        let settings = try CompressionSettings(format: request.compression.format, level: request.compression.level)
        let builder = LayerBuilder(
            store: try await session.store(),
            pool: pool,
            settings: settings,
            usesCache: request.usesCache,
            workers: session.workers,
            now: .now,
            inspector: ExecutableInspector()
        )
        let orders = try await order(platforms, builder, baseLayers)
        return try await withThrowingTaskGroup(of: (Int, Int, BuiltLayer?).self) { group in
            for (number, platform) in platforms.enumerated() {
                for (place, layer) in platform.stage.layers.enumerated() {
                    switch layer {
                    case .base(let location):
                        let blob = Blob(descriptor: location.descriptor, origin: .source(location.source))
                        group.addTask {
                            try await publisher.prepare(blob)
                            return (number, place, nil)
                        }
                    case .own(_, let step):
                        guard let order = orders[Place(platform: number, layer: place)] else { continue }
                        group.addTask {
                            let built = try await builder.build(order)
                            report(built, step, [platform.platform])
                            try await publisher.prepare(
                                Blob(descriptor: built.descriptor, origin: .file(path: built.path))
                            )
                            return (number, place, built)
                        }
                    }
                }
            }
            var built: [[Int: BuiltLayer]] = Array(repeating: [:], count: platforms.count)
            for try await (number, place, layer) in group { built[number][place] = layer }
            return platforms.enumerated()
                .map { number, platform in
                    BuiltPlatform(resolved: platform, layers: Self.layers(platform.stage, built[number]))
                }
        }
    }

    private static func layers(
        _ stage: StageResolver.Stage,
        _ built: [Int: BuiltLayer]
    ) -> [FinishedLayer] {
        stage.layers.enumerated()
            .compactMap { place, layer in
                switch layer {
                case .base(let location):
                    let blob = Blob(descriptor: location.descriptor, origin: .source(location.source))
                    return FinishedLayer(blob: blob, diffID: location.diffID, own: nil)
                case .own(let spec, let step):
                    guard let done = built[place] else { return nil }
                    let blob = Blob(descriptor: done.descriptor, origin: .file(path: done.path))
                    return FinishedLayer(blob: blob, diffID: done.diffID, own: (done, spec, step))
                }
            }
    }

    private func report(_ layer: BuiltLayer, _ step: Step, _ platforms: [Platform]) {
        guard !step.createdBy.isEmpty else { return }
        let state: StepEvent.State = layer.wasCached ? .cached : .built(size: layer.descriptor.size)
        events.emit(.step(StepEvent(title: step.createdBy, platforms: platforms, state: state)))
    }

    // MARK: - Assembling

    private func finish(_ planned: Planned, _ platforms: [BuiltPlatform]) async throws -> [FinishedImage] {
        let assembler = Assembler(usesDockerTypes: request.usesDockerMediaTypes, annotations: request.annotations)
        var images: [FinishedImage] = []
        let checks = ImageChecks(request: request, file: planned.context.dockerfile)
        for platform in platforms {
            let findings = try await checks.findings(
                platform: platform.resolved.platform,
                config: platform.resolved.stage.plan.config,
                tree: platform.resolved.stage.tree,
                own: platform.layers.compactMap(\.own)
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
                    findings: findings
                )
            )
        }
        try checks.enforce(images.map { ($0.platform, $0.findings) }, events: events)
        return images
    }

    private func config(_ planned: Planned, _ platform: BuiltPlatform) -> ImageConfig {
        var config = platform.resolved.stage.plan.config
        config.diffIDs = platform.layers.map(\.diffID)
        var times = platform.layers.compactMap { $0.own.map(\.spec.newestSourceTime) }[...]
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
