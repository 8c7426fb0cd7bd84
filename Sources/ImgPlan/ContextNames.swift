import ImgDockerfile
import ImgOCI
import ImgReport

/// Named contexts by normalised name (STG-12).
struct ContextNames {
    private var contexts: [String: NamedContext] = [:]

    init(_ named: [String: NamedContext]) {
        for name in named.keys.sortedByBytes() {
            guard let separator = name.firstRange(of: "::") else {
                contexts[Self.normalized(name) ?? name] = named[name]
                continue
            }
            let base = String(name[..<separator.lowerBound])
            let written = String(name[separator.upperBound...])
            let platform = (try? Platform(parsing: written).normalized.description) ?? written
            contexts["\(Self.normalized(base) ?? base)::\(platform)"] = named[name]
        }
    }

    /// What stands in for a stage or image of that name.
    func context(for name: String, platform: Platform) -> NamedContext? {
        guard !contexts.isEmpty, !["scratch", "context"].contains(name.lowercased()),
            let key = Self.normalized(name)
        else { return nil }
        return contexts["\(key)::\(platform)"] ?? contexts[key]
    }

    /// The familiar form without `:latest`; nil for what is no reference.
    private static func normalized(_ name: String) -> String? {
        guard let reference = try? ImageReference(parsing: name) else { return nil }
        let familiar = reference.familiar
        return familiar.hasSuffix(":latest") ? String(familiar.dropLast(":latest".count)) : familiar
    }
}

/// A `--build-context` that nothing refers to has no effect, which is most often a misspelling.
struct UnusedContexts {
    let inputs: PlanInputs
    /// One per platform.
    let surveys: [StageSurvey]

    func report(_ findings: inout Findings) {
        guard !inputs.namedContexts.isEmpty else { return }
        let referred = surveys.map { (survey: $0, names: referredNames($0)) }
        let all = Set(referred.flatMap(\.names)).sortedByBytes()
        for (given, context) in inputs.namedContexts.sorted(by: { $0.key < $1.key }) {
            let single = ContextNames([given: context])
            let isUsed = referred.contains { survey, names in
                let platforms = Set(survey.graph.nodes.map(\.platform) + [survey.graph.platform])
                return names.contains { name in platforms.contains { single.context(for: name, platform: $0) != nil } }
            }
            guard !isUsed else { continue }
            let suffix = Suggestion.suffix(given, among: all.filter { Int($0) == nil })
            findings.report(
                .unusedBuildContext,
                "Build context '\(given)' is not used: no FROM and no --from names it\(suffix)",
                at: nil
            )
        }
    }

    /// Of stages that are not built, too.
    private func referredNames(_ survey: StageSurvey) -> Set<String> {
        let nodes = survey.graph.nodes
        let instructions = nodes.flatMap(\.source.instructions) + survey.triggers.values.joined()
        return Set(
            nodes.compactMap(\.source.from.stageName) + nodes.map(\.operand) + instructions.flatMap(sources)
                + [inputs.requestedEpoch].compactMap(\.self)
        )
    }

    private func sources(_ instruction: Instruction) -> [String] {
        switch instruction.body {
        case .copy(let copy): [copy.from].compactMap(\.self)
        case .run(let run): run.mountSources
        default: []
        }
    }
}
