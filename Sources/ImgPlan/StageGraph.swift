import ImgDockerfile
import ImgOCI
import ImgReport

/// The stages as one platform sees them: what each starts from, nothing dispatched.
struct StageGraph {
    /// What a stage starts from; indexes are those of the source.
    enum Base {
        case scratch
        case stage(Int)
        /// The operand of FROM; parsed only when the stage is reached (STG-8).
        case image(String)
        case named(NamedContext)
    }

    struct Node {
        var source: SourceStages.Stage
        /// The operand of FROM, expanded.
        var operand: String
        var base: Base
        /// What base images are asked for.
        var platform: Platform
        /// A named context stands in for the whole stage (STG-13).
        var isReplaced = false
        /// Stages named by `--from` and mounts, by the position of the instruction.
        var references: [Int: [Int]] = [:]
    }

    private(set) var nodes: [Node] = []
    /// Stages of each name, in order.
    private var indexes: [String: [Int]] = [:]
    private let buildPlatform: Platform
    let platform: Platform
    let globals: GlobalScope
    let contexts: ContextNames

    init(
        _ source: SourceStages,
        inputs: PlanInputs,
        platform: Platform,
        expander: Expander,
        findings: inout Findings
    ) throws(BuildError) {
        self.platform = platform
        buildPlatform = inputs.buildPlatform
        contexts = ContextNames(inputs.namedContexts)
        let automatic = AutomaticArguments.values(
            build: inputs.buildPlatform,
            target: platform,
            stage: inputs.target ?? source.stages.last?.from.stageName ?? "default"
        )
        globals = try GlobalScope(source, automatic: automatic, buildArgs: inputs.planArgs, expander: expander)
        if let defaults = try? GlobalScope(source, automatic: automatic, buildArgs: [:], expander: expander) {
            // Of all stages, whatever they turn out to start from.
            for stage in source.stages { checkDefault(stage, expander, defaults, &findings) }
        }
        for stage in source.stages {
            nodes.append(try node(stage, expander: expander, findings: &findings))
            if let name = stage.from.stageName { indexes[name, default: []].append(stage.index) }
        }
        for index in nodes.indices { try resolveReferences(of: index) }
        try refuseCycles()
    }

    /// The stage to build (STG-7).
    func target(_ name: String?) throws(BuildError) -> Int {
        guard let name else { return nodes.count - 1 }
        if let index = indexes[name.lowercased()]?.last { return index }
        let names = nodes.compactMap(\.source.from.stageName)
        throw BuildError(
            "target stage \"\(name)\" could not be found\(Suggestion.suffix(name, among: names))",
            hints: [
                names.isEmpty
                    ? "no stage has a name: write FROM … AS \(name), or leave --target out for the last stage"
                    : "stages of the Dockerfile: \(names.joined(separator: ", "))"
            ]
        )
    }
}

// MARK: - FROM

extension StageGraph {
    private func node(
        _ stage: SourceStages.Stage,
        expander: Expander,
        findings: inout Findings
    ) throws(BuildError) -> Node {
        let range = stage.line.range
        let part = stage.line.range(ofOperand: 0)
        let operand: Expander.Result
        do { operand = try expander.expand(stage.from.image, globals.variables, at: range) } catch {
            throw error.focused(on: part)
        }
        warnOfUndeclared(operand.unset, stage, &findings)
        guard !operand.text.isEmpty else {
            throw BuildError("base name (\(stage.from.image)) should not be blank", at: range).focused(on: part)
        }
        let wanted: Platform
        do { wanted = try wantedPlatform(of: stage, expander: expander, findings: &findings) } catch {
            throw error.focused(on: stage.line.flagRanges["platform"])
        }
        if let name = stage.from.stageName, let context = contexts.context(for: name, platform: wanted) {
            return Node(source: stage, operand: operand.text, base: .named(context), platform: wanted, isReplaced: true)
        }
        if let earlier = indexes[operand.text]?.last {
            return Node(source: stage, operand: operand.text, base: .stage(earlier), platform: nodes[earlier].platform)
        }
        // With a scratch base the flag says nothing (PLT-7).
        if operand.text == "scratch" {
            return Node(source: stage, operand: operand.text, base: .scratch, platform: platform)
        }
        if let context = contexts.context(for: operand.text, platform: wanted) {
            return Node(source: stage, operand: operand.text, base: .named(context), platform: wanted)
        }
        return Node(source: stage, operand: operand.text, base: .image(operand.text), platform: wanted)
    }

    /// PLT-5.
    private func wantedPlatform(
        of stage: SourceStages.Stage,
        expander: Expander,
        findings: inout Findings
    ) throws(BuildError) -> Platform {
        guard let word = stage.from.platform, !word.isEmpty else { return platform }
        let range = stage.line.range
        let value = try expander.expand(word, globals.variables, at: range)
        warnOfUndeclared(value.unset, stage, &findings)
        guard !value.text.isEmpty else {
            let names = globals.variables.names
            let suffix = value.unset.compactMap { Suggestion.nearest($0, among: names) }.first
            throw BuildError(
                "empty platform value from expression \(word)\(suffix.map { " (did you mean \($0)?)" } ?? "")",
                at: range
            )
        }
        do {
            return try Platform(parsing: value.text, host: buildPlatform)
        } catch {
            throw BuildError("failed to parse platform \(value.text): \(error)", at: range)
        }
    }

    private func warnOfUndeclared(_ unset: [String], _ stage: SourceStages.Stage, _ findings: inout Findings) {
        for name in unset where !globals.isKnown(name) {
            findings.report(
                .undefinedArgInFrom,
                "FROM argument '\(name)' is not declared\(Suggestion.suffix(name, among: globals.variables.names))",
                at: stage.line.range,
                skipped: stage.line.skippedRules
            )
        }
    }

    private func checkDefault(
        _ stage: SourceStages.Stage,
        _ expander: Expander,
        _ defaults: GlobalScope,
        _ findings: inout Findings
    ) {
        guard stage.from.image.contains("$"),
            let text = try? expander.expand(stage.from.image, defaults.variables, at: nil).text,
            (try? ImageReference(parsing: text)) == nil
        else { return }
        findings.report(
            .invalidDefaultArgInFrom,
            "Default value for ARG \(stage.from.image) results in empty or invalid base image name",
            at: stage.line.range,
            skipped: stage.line.skippedRules
        )
    }
}

// MARK: - References between stages

extension StageGraph {
    /// The stage that `--from=value` names; nil for images and contexts (STG-5).
    func stage(named value: String, from index: Int) throws(BuildError) -> Int? {
        if let number = Int(value) {
            guard nodes.indices.contains(number) else { throw BuildError("invalid stage index \(value)") }
            return number
        }
        let named = indexes[value.lowercased()] ?? []
        return named.last { $0 < index } ?? named.first
    }

    /// Stages that one instruction refers to.
    func references(of instruction: Instruction, in index: Int) throws(BuildError) -> [Int] {
        switch instruction.body {
        case .copy(let copy):
            guard let from = copy.from, !from.isEmpty else { return [] }
            guard Expander.isPlain(from) else {
                throw BuildError(
                    "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround"
                )
            }
            return try stage(named: from, from: index).map { [$0] } ?? []
        case .run(let run):
            var found: [Int] = []
            for source in run.mountSources {
                if let stage = try stage(named: source, from: index) { found.append(stage) }
            }
            return found
        default: return []
        }
    }

    private mutating func resolveReferences(of index: Int) throws(BuildError) {
        guard !nodes[index].isReplaced else { return }
        for (position, instruction) in nodes[index].source.instructions.enumerated() {
            let found = try references(of: instruction, in: index)
            if !found.isEmpty { nodes[index].references[position] = found }
        }
    }

    /// Without recursion: a Dockerfile may have any number of stages.
    private func refuseCycles() throws(BuildError) {
        enum Mark {
            case unseen
            case onPath
            case finished
        }
        let edges = nodes.map(\.edges)
        var marks = [Mark](repeating: .unseen, count: nodes.count)
        for root in nodes.indices where marks[root] == .unseen {
            var path = [(stage: root, next: 0)]
            marks[root] = .onPath
            while let (stage, next) = path.last {
                guard next < edges[stage].count else {
                    marks[stage] = .finished
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                let needed = edges[stage][next]
                switch marks[needed] {
                case .finished: continue
                case .onPath:
                    throw BuildError("circular dependency detected on stage: \(nodes[root].source.title)")
                case .unseen:
                    marks[needed] = .onPath
                    path.append((needed, 0))
                }
            }
        }
    }
}

extension StageGraph.Node {
    /// Stages that this one needs, in order of lines.
    fileprivate var edges: [Int] {
        let named = references.keys.sorted().flatMap { references[$0] ?? [] }
        if case .stage(let stage) = base { return [stage] + named }
        return named
    }
}
