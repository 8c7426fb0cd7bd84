import ImgLayers
import ImgOCI
import ImgPlan
import ImgStore

extension BuildPlan {
    /// The COPY and ADD steps of all platforms.
    fileprivate var copies: [CopyStep] {
        platforms.flatMap(\.stages).flatMap(\.steps)
            .compactMap { if case .copy(let copy) = $0.action { copy } else { nil } }
    }
}

/// From a plan to what each platform's layers hold.
extension BuildRun {
    /// One platform's target stage, its contents at hand.
    struct ResolvedPlatform: Sendable {
        var platform: Platform
        var stage: StageResolver.Stage
    }

    /// - Returns: The platforms in the order of the plan, and the layers below them.
    func resolve(
        _ planned: Planned,
        _ shared: SharedCache?
    ) async throws -> (platforms: [ResolvedPlatform], baseLayers: BaseLayers) {
        let store = try await session.store()
        let baseLayers = try await BaseLayers(session, shared: shared)
        for base in planned.bases.values { base.layers.forEach(baseLayers.register) }
        let epoch = planned.epoch.map { Timestamp(seconds: $0) }
        let remotes = try await remotes()
        async let _ = remotes.fetchAhead(planned.plan.copies)
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
        // Large contexts need room while their layers are made.
        planned.context.tree.forget()
        return (platforms, baseLayers)
    }
}
