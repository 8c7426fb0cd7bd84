import ImgDockerfile
import ImgOCI
package import ImgReport

/// Works out what a Dockerfile builds.
///
/// Pure: same inputs, same plan.
///
/// - Parameter bases: What earlier calls asked for; empty at first.
/// - Returns: The plan, or the images to look at before there can be one.
/// - Throws: What is wrong with the Dockerfile or the options, located where it is.
package func plan(
    _ inputs: PlanInputs,
    bases: [BaseRequest: BaseImage]
) throws(BuildError) -> PlanOutcome {
    var planner = try Planner(inputs, bases: bases)
    return try planner.outcome()
}

/// All platforms of one plan.
private struct Planner {
    let inputs: PlanInputs
    let bases: [BaseRequest: BaseImage]
    let source: SourceStages
    let options: LintOptions
    let expander: Expander
    var findings: Findings
    /// Of each platform.
    private var surveys: [(survey: StageSurvey, target: Int)] = []

    init(_ inputs: PlanInputs, bases: [BaseRequest: BaseImage]) throws(BuildError) {
        self.inputs = inputs
        self.bases = bases
        options = try LintOptions(inputs)
        source = try SourceStages(inputs.dockerfile)
        expander = Expander(escape: inputs.dockerfile.directives.escape)
        findings = Findings(options)
    }

    /// The plan; an error comes with what was found before it (LINT-2).
    mutating func outcome() throws(BuildError) -> PlanOutcome {
        let platforms = distinctPlatforms()
        let plans: [PlatformPlan]
        do throws(BuildError) {
            let missing = try survey(platforms)
            guard missing.isEmpty else { return .needs(missing) }
            plans = try planAll()
        } catch {
            var error = error
            findings.isOn = true
            lint()
            error.diagnostics.insert(contentsOf: findings.sorted, at: 0)
            throw error
        }
        findings.isOn = true
        try finish()
        return .ready(BuildPlan(platforms: plans, diagnostics: findings.sorted))
    }

    /// A platform that is given twice, perhaps under two names, is built once (MT-13).
    private func distinctPlatforms() -> [Platform] {
        let wanted = inputs.platforms.isEmpty ? [inputs.buildPlatform] : inputs.platforms
        var distinct: [Platform] = []
        for platform in wanted.map(\.normalized) where !distinct.contains(platform) { distinct.append(platform) }
        return distinct
    }

    private mutating func warnOfPlatforms() {
        let platforms = inputs.platforms.map(\.normalized)
        for (position, platform) in platforms.enumerated() {
            if platforms[..<position].contains(platform) {
                findings.warn("Duplicate platform result requested \"\(platform)\"")
            } else if !Platform.knownArchitectures.contains(platform.architecture) {
                let suffix = Suggestion.suffix(platform.architecture, among: Platform.knownArchitectures)
                findings.warn("\(platform): unknown architecture \"\(platform.architecture)\"\(suffix)")
            } else if !Platform.knownSystems.contains(platform.os) {
                let suffix = Suggestion.suffix(platform.os, among: Platform.knownSystems)
                findings.warn("\(platform): unknown operating system \"\(platform.os)\"\(suffix)")
            }
        }
    }

    /// Finds out what each platform needs; returns the bases that are not known yet.
    private mutating func survey(_ platforms: [Platform]) throws(BuildError) -> [BaseRequest] {
        var missing: [BaseRequest] = []
        for (position, platform) in platforms.enumerated() {
            findings.isOn = position == 0
            let found = try survey(platform)
            missing += found.survey.missing.filter { !missing.contains($0) }
            surveys.append(found)
        }
        return missing
    }

    private mutating func planAll() throws(BuildError) -> [PlatformPlan] {
        var plans: [PlatformPlan] = []
        for (position, (survey, target)) in surveys.enumerated() {
            findings.isOn = position == 0
            var planner = PlatformPlanner(inputs: inputs, survey: survey, expander: expander, findings: findings)
            defer { findings = planner.findings }
            plans.append(try planner.plan(target: target))
        }
        return plans
    }

    private mutating func lint() {
        let reached = surveys.first?.survey.reached ?? Set(source.stages.indices)
        Lint(source: source, reached: reached).run(inputs.dockerfile, &findings)
    }

    private mutating func survey(_ platform: Platform) throws(BuildError) -> (survey: StageSurvey, target: Int) {
        let graph = try StageGraph(
            source,
            inputs: inputs,
            platform: platform,
            expander: expander,
            findings: &findings
        )
        let target = try graph.target(inputs.target)
        var survey = StageSurvey(graph, bases: bases, purpose: inputs.purpose)
        if inputs.purpose == .check, inputs.target == nil {
            for index in graph.nodes.indices where !graph.nodes[index].isReplaced { try survey.visit(index) }
        }
        try survey.visit(target)
        return (survey, target)
    }

    private mutating func finish() throws(BuildError) {
        lint()
        if let survey = surveys.first?.survey { UnusedArguments(inputs: inputs, survey: survey).report(&findings) }
        UnusedContexts(inputs: inputs, surveys: surveys.map(\.survey)).report(&findings)
        warnOfPlatforms()
        guard options.error, inputs.purpose == .build else { return }
        // What is wrong with the command line is no violation of the file's.
        let rules = Set(findings.diagnostics.filter { $0.range != nil }.compactMap(\.rule)).sortedByBytes()
        guard rules.isEmpty else {
            let error = Diagnostic(.error, "lint violation found for rules: \(rules.joined(separator: ", "))")
            throw BuildError(.failure, diagnostics: [error] + findings.sorted)
        }
    }
}
