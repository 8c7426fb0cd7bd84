import ImgDockerfile
import ImgOCI
package import ImgReport

/// What a build of one target can be given, as `--call=outline` shows it.
package struct BuildOutline: Sendable, Hashable {
    /// One `--build-arg` that has an effect.
    package struct Argument: Sendable, Hashable {
        package var name: String
        /// With the given arguments; nil when there is neither argument nor default.
        package var value: String?
        /// From the comment above ARG that starts with the name (LEX-8).
        package var description: String?
        /// The ARG that says most: the one with a default, else the first.
        package var range: SourceRange
    }

    /// nil for a target without a name.
    package var name: String?
    package var description: String?
    /// Each name once, in order of lines.
    package var arguments: [Argument]
}

extension PlanInputs {
    /// The arguments of the target and of the stages that it needs.
    ///
    /// No image is looked at: ENV of a base image is unset here, and its triggers are unknown.
    package func outline() throws(BuildError) -> BuildOutline {
        let expander = Expander(escape: dockerfile.directives.escape)
        let source = try SourceStages(dockerfile)
        var findings = Findings(LintOptions(nil))
        findings.isOn = false
        let graph = try StageGraph(
            source,
            inputs: self,
            platform: platforms.first?.normalized ?? buildPlatform.normalized,
            expander: expander,
            findings: &findings
        )
        let target = try graph.target(self.target)
        // RUN stands in no one's way here.
        var survey = StageSurvey(graph, bases: [:], purpose: .check)
        try survey.visit(target)
        var collector = ArgumentCollector(given: planArgs, globals: graph.globals, expander: expander)
        for instruction in source.globalArguments { collector.collectGlobal(instruction) }
        for index in survey.reached.sorted() where !graph.nodes[index].isReplaced {
            collector.collect(graph.nodes[index])
        }
        let stage = graph.nodes[target].source
        return BuildOutline(
            name: stage.from.stageName,
            description: stage.description,
            arguments: collector.sorted
        )
    }
}

/// Finds the arguments of stages, and what they come to.
private struct ArgumentCollector {
    let given: [String: String]
    let globals: GlobalScope
    let expander: Expander
    private var found: [String: Finding] = [:]
    /// At the end of each stage, for the stages built on it (ARG-7).
    private var ends: [Int: Variables] = [:]

    init(given: [String: String], globals: GlobalScope, expander: Expander) {
        self.given = given
        self.globals = globals
        self.expander = expander
    }

    private struct Finding {
        var argument: BuildOutline.Argument
        var hasDefault: Bool
        /// Position among the names of its ARG.
        var position: Int
    }

    var sorted: [BuildOutline.Argument] {
        found.values
            .sorted { ($0.argument.range.lowerBound, $0.position) < ($1.argument.range.lowerBound, $1.position) }
            .map(\.argument)
    }

    mutating func collectGlobal(_ instruction: Instruction) {
        guard case .arg(let definitions) = instruction.body else { return }
        for (position, definition) in definitions.enumerated() {
            add(definition, value: globals.variables[definition.name], instruction, position)
        }
    }

    mutating func collect(_ node: StageGraph.Node) {
        var variables = Variables()
        if case .stage(let base) = node.base { variables = ends[base] ?? Variables() }
        for instruction in node.source.instructions {
            switch instruction.body {
            case .arg(let definitions):
                for (position, definition) in definitions.enumerated() {
                    let value = value(of: definition, variables)
                    if let value { variables[definition.name] = value }
                    add(definition, value: value, instruction, position)
                }
            case .env(let pairs, _):
                let before = variables
                for pair in pairs { variables[expand(pair.key, before)] = expand(pair.value, before) }
            default: break
            }
        }
        ends[node.source.index] = variables
    }

    /// ARG-3, ARG-4.
    private func value(of definition: ArgDefinition, _ variables: Variables) -> String? {
        if let value = given[definition.name] { return value }
        if let word = definition.value { return expand(word, variables) }
        return globals.variables[definition.name] ?? variables[definition.name]
    }

    /// A faulty word is the build's to report; here it stays as written.
    private func expand(_ word: String, _ variables: Variables) -> String {
        (try? expander.expand(word, variables, at: nil).text) ?? word
    }

    private mutating func add(
        _ definition: ArgDefinition,
        value: String?,
        _ instruction: Instruction,
        _ position: Int
    ) {
        let name = definition.name
        let hasDefault = definition.value != nil
        var description = instruction.description(of: name)
        if let previous = found[name] {
            guard hasDefault, !previous.hasDefault else {
                if previous.argument.description == nil { found[name]?.argument.description = description }
                return
            }
            description = description ?? previous.argument.description
        }
        found[name] = Finding(
            argument: BuildOutline.Argument(
                name: name,
                value: value,
                description: description,
                range: instruction.range
            ),
            hasDefault: hasDefault,
            position: position
        )
    }
}
