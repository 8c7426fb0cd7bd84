import ImgDockerfile
import ImgOCI
import ImgReport

/// Which stages a build reaches, and which images that takes (STG-8).
struct StageSurvey {
    let graph: StageGraph
    let bases: [BaseRequest: BaseImage]
    let purpose: PlanInputs.Purpose
    /// Of the source, in order: what a stage needs stands before it.
    private(set) var reached: Set<Int> = []
    private(set) var missing: [BaseRequest] = []
    private var asked: Set<BaseRequest> = []
    /// `COPY --from=scratch` stands in a reached stage.
    private(set) var usesScratch = false
    /// Parsed triggers of each reached stage.
    private(set) var triggers: [Int: [Instruction]] = [:]

    /// Where a COPY takes its files; indexes are those of the source.
    enum Origin {
        case context
        case scratch
        case stage(Int)
        case image(BaseRequest)
        case named(NamedContext)
    }

    init(_ graph: StageGraph, bases: [BaseRequest: BaseImage], purpose: PlanInputs.Purpose) {
        self.graph = graph
        self.bases = bases
        self.purpose = purpose
    }

    /// Follows everything that a stage needs, as far as it is known.
    mutating func visit(_ index: Int) throws(BuildError) {
        var waiting = [index]
        while let next = waiting.popLast() {
            if reached.insert(next).inserted { waiting += try stagesNeeded(by: next) }
        }
    }

    /// Notes the images that a stage needs and returns the stages.
    private mutating func stagesNeeded(by index: Int) throws(BuildError) -> [Int] {
        let node = graph.nodes[index]
        if let request = try baseRequest(of: index) { need(request) }
        if node.isReplaced { return [] }
        try refuseRun(node.source.instructions, at: nil)
        let inherited = try resolveTriggers(of: index)
        try refuseRun(inherited[...], at: node.source.line.range)
        var stages: [Int] = []
        if case .stage(let base) = node.base { stages.append(base) }
        for instruction in inherited + node.source.instructions {
            switch instruction.body {
            case .copy(let copy):
                switch try origin(of: copy, at: instruction.range, in: index) {
                case .stage(let stage): stages.append(stage)
                case .image(let request): need(request)
                case .scratch: usesScratch = true
                case .context, .named: break
                }
            case .run: stages += try graph.references(of: instruction, in: index).filter { $0 < index }
            default: break
            }
        }
        return stages
    }

    /// The image that a stage starts from; nil for anything else.
    func baseRequest(of index: Int) throws(BuildError) -> BaseRequest? {
        let node = graph.nodes[index]
        let range = node.source.line.range
        switch node.base {
        case .scratch, .stage: return nil
        case .named(let context):
            do {
                let source = try context.imageSource()
                return source.map { BaseRequest(source: $0, platform: node.platform, range: range) }
            } catch {
                throw error.located(at: range)
            }
        case .image(let name):
            let reference = try imageReference(name, at: range)
            return BaseRequest(source: .image(reference), platform: node.platform, range: range)
        }
    }

    /// STG-5, STG-6, STG-12, STG-16.
    func origin(of copy: CopyInstruction, at range: SourceRange, in index: Int) throws(BuildError) -> Origin {
        guard let name = copy.from, !name.isEmpty else { return .context }
        if let stage = try graph.stage(named: name, from: index) {
            guard stage < index else {
                let (later, current) = (graph.nodes[stage].source.title, graph.nodes[index].source.title)
                throw BuildError(
                    "cannot copy from stage \"\(later)\", it needs to be defined before current stage \"\(current)\"",
                    at: range
                )
            }
            let node = graph.nodes[stage]
            guard node.isReplaced, case .named(let context) = node.base else { return .stage(stage) }
            return try origin(context, platform: node.platform, at: range)
        }
        if name == "scratch" { return .scratch }
        if let context = graph.contexts.context(for: name, platform: graph.platform) {
            return try origin(context, platform: graph.platform, at: range)
        }
        let reference = try imageReference(name, at: range)
        return .image(BaseRequest(source: .image(reference), platform: graph.platform, range: range))
    }

    private func origin(
        _ context: NamedContext,
        platform: Platform,
        at range: SourceRange
    ) throws(BuildError) -> Origin {
        if context == .scratch { return .scratch }
        do {
            guard let source = try context.imageSource() else { return .named(context) }
            return .image(BaseRequest(source: source, platform: platform, range: range))
        } catch {
            throw error.located(at: range)
        }
    }

    private func imageReference(_ name: String, at range: SourceRange) throws(BuildError) -> ImageReference {
        do {
            return try ImageReference(parsing: name)
        } catch {
            var hints = error.hint.map { [$0] } ?? []
            let stages = graph.nodes.compactMap(\.source.from.stageName)
            if stages.contains(name.lowercased()) {
                hints = ["stage names are in lower case: write \(name.lowercased())"]
            }
            throw BuildError("failed to parse stage name \"\(name)\": \(error.reason)", at: range, hints: hints)
        }
    }

    private mutating func need(_ request: BaseRequest) {
        guard bases[request] == nil, asked.insert(request).inserted else { return }
        missing.append(request)
    }
}

// MARK: - Triggers and RUN

extension StageSurvey {
    /// The triggers of a stage; those of the stages below are parsed first, as they may register further ones.
    private mutating func resolveTriggers(of index: Int) throws(BuildError) -> [Instruction] {
        var chain: [Int] = []
        var next: Int? = index
        while let stage = next, triggers[stage] == nil {
            chain.append(stage)
            next = nil
            if case .stage(let base) = graph.nodes[stage].base, !graph.nodes[base].isReplaced { next = base }
        }
        for stage in chain.reversed() {
            let texts = try inheritedTriggers(of: stage)
            triggers[stage] = try Triggers.parse(texts, at: graph.nodes[stage].source.line.range)
        }
        return triggers[index] ?? []
    }

    /// The triggers that run at the start of a stage, as stored.
    private func inheritedTriggers(of index: Int) throws(BuildError) -> [String] {
        if case .stage(let base) = graph.nodes[index].base, !graph.nodes[base].isReplaced {
            let stored = (triggers[base] ?? []) + graph.nodes[base].source.instructions
            return stored.compactMap { if case .onbuild(let text) = $0.body { text } else { nil } }
        }
        var base = index
        if case .stage(let replaced) = graph.nodes[index].base { base = replaced }
        guard let request = try baseRequest(of: base) else { return [] }
        return bases[request]?.config.config.onBuild ?? []
    }

    /// Nothing can be run here, and that is better said before anything is fetched (RUN-5).
    private func refuseRun(_ instructions: ArraySlice<Instruction>, at from: SourceRange?) throws(BuildError) {
        guard purpose == .build else { return }
        for instruction in instructions {
            guard case .run = instruction.body else { continue }
            throw BuildError(
                "RUN is not supported by imgbuild (no execution backend)",
                at: from ?? instruction.range,
                notes: from == nil ? [] : ["trigger: ONBUILD \(instruction.original)"],
                hints: [
                    "run the command before the build and COPY its results",
                    "or start FROM an image in which it has been run",
                ]
            )
        }
    }
}
