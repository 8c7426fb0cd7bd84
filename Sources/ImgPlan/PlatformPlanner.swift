import ImgDockerfile
import ImgOCI
import ImgReport

/// Dispatches the reached stages of one platform.
struct PlatformPlanner {
    let inputs: PlanInputs
    let survey: StageSurvey
    let expander: Expander
    var findings: Findings
    private var positions: [Int: Int] = [:]
    private var states: [Int: StageState] = [:]
    private var stages: [StagePlan] = []

    init(inputs: PlanInputs, survey: StageSurvey, expander: Expander, findings: Findings) {
        self.inputs = inputs
        self.survey = survey
        self.expander = expander
        self.findings = findings
    }

    /// - Parameter target: Position in the source.
    mutating func plan(target: Int) throws(BuildError) -> PlatformPlan {
        if survey.usesScratch { addScratch() }
        for index in survey.reached.sorted() {
            positions[index] = stages.count
            stages.append(try stage(index))
        }
        let position = positions[target] ?? stages.count - 1
        stages[position].config.adopt(platform: inputs.platforms.isEmpty ? nil : survey.graph.platform)
        for (key, value) in inputs.labels { stages[position].config.config.labels[key] = value }
        try warnOfForeignBase(of: target)
        return PlatformPlan(platform: survey.graph.platform, stages: stages, target: position)
    }

    /// `FROM --platform` of the stage that is built: its files are another platform's, the image says the wanted one (PLT-8).
    ///
    /// Of every platform, as each gets an image of its own.
    private mutating func warnOfForeignBase(of target: Int) throws(BuildError) {
        guard inputs.purpose == .build, !inputs.platforms.isEmpty else { return }
        var index = target
        while case .stage(let base) = survey.graph.nodes[index].base { index = base }
        let (node, wanted) = (survey.graph.nodes[index], survey.graph.platform)
        guard node.platform != wanted, let request = try survey.baseRequest(of: index),
            let base = survey.bases[request], wanted.matchRank(of: base.config.platform) == nil
        else { return }
        findings.ofEveryPlatform {
            $0.warn(
                "The image for \(wanted) is built on \(base.reference) for \(base.config.platform.normalized): its programs will not run there",
                at: node.source.line.range,
                hints: [
                    "leave out --platform in FROM of the stage that is built; it is meant for stages that run tools"
                ]
            )
        }
    }

    /// A stage of no Dockerfile for what is copied from `scratch`.
    private mutating func addScratch() {
        positions[StageDispatch.scratchIndex] = stages.count
        stages.append(
            StagePlan(
                index: StageDispatch.scratchIndex,
                name: "scratch",
                range: SourceRange(file: inputs.dockerfile.file, lowerBound: 0, upperBound: 0),
                base: .scratch,
                steps: [],
                config: .scratch(survey.graph.platform)
            )
        )
    }

    private mutating func stage(_ index: Int) throws(BuildError) -> StagePlan {
        let node = survey.graph.nodes[index]
        let (base, initial) = try start(of: index)
        var dispatch = StageDispatch(
            inputs: inputs,
            survey: survey,
            expander: expander,
            positions: positions,
            index: index,
            state: initial,
            findings: findings
        )
        // Also of a stage that fails.
        defer { findings = dispatch.findings }
        if !node.isReplaced {
            dispatch.state.start()
            for instruction in survey.triggers[index] ?? [] { try dispatch.dispatch(instruction) }
            for instruction in node.source.instructions { try dispatch.dispatch(instruction) }
        }
        states[index] = dispatch.state
        return StagePlan(
            index: index,
            name: node.source.from.stageName,
            range: node.source.line.range,
            base: base,
            steps: dispatch.state.steps,
            config: dispatch.state.config
        )
    }

    /// What a stage starts with.
    private mutating func start(of index: Int) throws(BuildError) -> (StageBase, StageState) {
        let node = survey.graph.nodes[index]
        let empty = StageState(config: .scratch(survey.graph.platform), hasFileSystem: false)
        if case .stage(let base) = node.base, let state = states[base], let position = positions[base] {
            return (.stage(position), state.child())
        }
        guard let request = try survey.baseRequest(of: index), let base = survey.bases[request] else {
            guard case .named(let context) = node.base, context != .scratch else { return (.scratch, empty) }
            guard !node.isReplaced else {
                throw BuildError(
                    "invalid image config for export: missing architecture",
                    at: node.source.line.range,
                    notes: ["the stage is replaced by a build context of files, which is no image"]
                )
            }
            var state = empty
            state.hasFileSystem = true
            return (.context(context), state)
        }
        warnOfPlatform(base, node)
        var state = StageState(config: base.config.inherited, hasFileSystem: !base.manifest.layers.isEmpty)
        if node.isReplaced { state.config.config.onBuild = base.config.config.onBuild }
        return (.image(request), state)
    }

    private mutating func warnOfPlatform(_ base: BaseImage, _ node: StageGraph.Node) {
        let (found, wanted) = (base.config.platform, node.platform)
        guard found.os != wanted.os || found.architecture != wanted.architecture else { return }
        func report(_ findings: inout Findings) {
            findings.report(
                .invalidBaseImagePlatform,
                "Base image \(base.reference) was pulled with platform \"\(found)\", expected \"\(wanted)\" for current build",
                at: node.source.line.range,
                skipped: node.source.line.skippedRules
            )
        }
        // A build gets here only with leave, which must not be silent (PULL-10).
        if inputs.purpose == .build { findings.ofEveryPlatform(report) } else { report(&findings) }
    }
}
