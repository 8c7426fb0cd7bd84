import ImgExport
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgTree

/// Works out, for one platform, what every step puts into its layer.
///
/// Nothing is built yet.
struct StageResolver: Sendable {
    let plan: PlatformPlan
    let bases: [BaseRequest: ResolvedBase]
    let contexts: ContextSet
    let remotes: RemoteSources
    let resolver: CopyResolver
    let memo: CopyMemo
    let baseLayers: BaseLayers
    let events: any EventSink

    /// A stage whose steps are resolved.
    struct Stage: Sendable {
        var plan: StagePlan
        /// Bottom first, those of the stages below included.
        var layers: [Layer]
        /// Every step from the base image up, one history entry each.
        var history: [Step] = []
        var tree: StageTree
    }

    /// One layer of a stage.
    enum Layer: Sendable {
        case base(BaseLayers.Location)
        case own(LayerSpec, Step)
    }

    /// Resolves the stages in order; the last one asked for is the target.
    func target() async throws -> Stage {
        var stages: [Stage] = []
        for stage in plan.stages { stages.append(try await resolve(stage, after: stages)) }
        return stages[plan.target]
    }

    private func resolve(_ plan: StagePlan, after stages: [Stage]) async throws -> Stage {
        var stage: Stage
        switch plan.base {
        case .scratch: stage = Stage(plan: plan, layers: [], tree: StageTree())
        case .stage(let index):
            stage = stages[index]
            stage.plan = plan
        case .image(let request): stage = try imageStage(plan, request)
        case .context(let context):
            // A file-only context as a base is one layer with everything in it (STG-14).
            let source = try await contexts.tree(of: context)
            let step = CopyStep.wholeContext(context)
            let spec = try await resolver.resolve(step, at: plan.range, source: source, into: StageTree())
            let synthetic = Step(range: plan.range, action: .copy(step), createdBy: "")
            stage = Stage(
                plan: plan,
                layers: [.own(spec, synthetic)],
                history: [synthetic],
                tree: try StageTree().appending(spec)
            )
        }
        for step in plan.steps { try await apply(step, to: &stage, stages) }
        return stage
    }

    private func imageStage(_ plan: StagePlan, _ request: BaseRequest) throws -> Stage {
        let base = try base(request)
        return Stage(plan: plan, layers: base.layers.map(Layer.base), tree: tree(base))
    }

    private func base(_ request: BaseRequest) throws(BuildError) -> ResolvedBase {
        guard let base = bases[request] else { throw BuildError("base \(request.source) was not resolved") }
        return base
    }

    private func tree(_ base: ResolvedBase) -> StageTree {
        let baseLayers = baseLayers
        return StageTree(
            layers: base.layers.map { layer in
                let digest = layer.descriptor.digest
                return (digest: digest, load: { try await baseLayers.index(of: digest) })
            }
        )
    }

    private func apply(_ step: Step, to stage: inout Stage, _ stages: [Stage]) async throws {
        stage.history.append(step)
        let spec: LayerSpec
        switch step.action {
        case .metadata: return
        case .copy(let copy):
            let source = try await source(copy.from, stages)
            let fetched = try await remotes.fetch(copy, at: step.range)
            if fetched.isEmpty, copy.from.isShared {
                (spec, stage.tree) = try await memo.resolve(copy, at: step.range, source: source, into: stage.tree)
            } else {
                spec = try await resolver.resolve(
                    copy,
                    at: step.range,
                    source: source,
                    fetched: fetched,
                    into: stage.tree
                )
                stage.tree = try stage.tree.appending(spec)
            }
        case .workdir(let workdir):
            spec = try await resolver.resolve(workdir, at: step.range, into: stage.tree)
            stage.tree = try stage.tree.appending(spec)
        }
        for warning in spec.warnings { events.emit(.warning(warning)) }
        stage.layers.append(.own(spec, step))
    }

    private func source(_ origin: CopyOrigin, _ stages: [Stage]) async throws -> any SourceTree {
        switch origin {
        case .context: contexts.main
        case .stage(let index): stages[index].tree
        case .image(let request): tree(try base(request))
        case .named(let context): try await contexts.tree(of: context)
        }
    }
}

extension CopyOrigin {
    /// Whether the source is the same for every platform.
    fileprivate var isShared: Bool {
        switch self {
        case .context, .named: true
        case .stage, .image: false
        }
    }
}
