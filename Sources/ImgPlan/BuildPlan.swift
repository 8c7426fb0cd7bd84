package import ImgOCI
package import ImgReport

/// What planning comes to.
package enum PlanOutcome: Sendable {
    /// Plan again with these as well; ONBUILD may then ask for more.
    case needs([BaseRequest])
    case ready(BuildPlan)
}

/// What is to be built, for every platform.
package struct BuildPlan: Sendable {
    /// In the order asked for.
    package var platforms: [PlatformPlan]
    /// Lint and other warnings, of the first platform (PLT-10), in order of lines.
    package var diagnostics: [Diagnostic]

    package init(platforms: [PlatformPlan], diagnostics: [Diagnostic]) {
        self.platforms = platforms
        self.diagnostics = diagnostics
    }
}

/// The stages of one platform.
package struct PlatformPlan: Sendable {
    /// As requested, normalised; it stands in the index (PLT-9).
    package var platform: Platform
    /// Only what the target needs, each stage after those it needs.
    package var stages: [StagePlan]
    /// Index into `stages`.
    package var target: Int

    package init(platform: Platform, stages: [StagePlan], target: Int) {
        self.platform = platform
        self.stages = stages
        self.target = target
    }
}

/// One stage with everything expanded.
package struct StagePlan: Sendable {
    /// Position in the Dockerfile.
    package var index: Int
    package var name: String?
    /// The FROM line.
    package var range: SourceRange
    package var base: StageBase
    /// The stage's own, ONBUILD triggers first (CFG-12).
    package var steps: [Step]
    /// Final but for what building yields: `diffIDs` and `history` are those of the base image, `created` is nil.
    package var config: ImageConfig

    package init(
        index: Int,
        name: String?,
        range: SourceRange,
        base: StageBase,
        steps: [Step],
        config: ImageConfig
    ) {
        self.index = index
        self.name = name
        self.range = range
        self.base = base
        self.steps = steps
        self.config = config
    }
}

/// What a stage starts from.
package enum StageBase: Sendable, Hashable {
    case scratch
    /// Index into the plan's stages.
    case stage(Int)
    case image(BaseRequest)
    /// A named context of files, as one layer (STG-14).
    case context(NamedContext)
}

/// One history entry, with the layer that belongs to it.
package struct Step: Sendable, Hashable {
    package enum Action: Sendable, Hashable {
        /// Changes the configuration only.
        case metadata
        case copy(CopyStep)
        case workdir(WorkdirStep)
    }

    /// The instruction; the FROM line for an ONBUILD trigger (ERR-5).
    package var range: SourceRange
    package var action: Action
    /// Text of the history; empty for what no instruction made.
    package var createdBy: String

    package init(range: SourceRange, action: Action, createdBy: String) {
        self.range = range
        self.action = action
        self.createdBy = createdBy
    }

    /// Whether no layer belongs to this step.
    package var emptyLayer: Bool { action == .metadata }
}

/// A WORKDIR that may have to make directories (CFG-1).
package struct WorkdirStep: Sendable, Hashable {
    /// Clean and absolute.
    package var path: String
    /// USER at that point, unparsed; empty for root.
    package var user: String

    package init(path: String, user: String) {
        self.path = path
        self.user = user
    }
}
