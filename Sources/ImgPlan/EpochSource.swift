import ImgDockerfile
import ImgOCI
package import ImgReport

/// What a name given as `SOURCE_DATE_EPOCH` takes its time from (REP-2).
package enum EpochSource: Sendable, Hashable {
    case context(NamedContext)
    case url(String, checksum: String?)
    case git(GitReference, checksum: String?)
}

extension PlanInputs {
    /// Looks a name up among the named contexts, then among the stages.
    ///
    /// - Throws: When nothing has that name, or the stage does more than to add one remote source.
    package func epochSource(named name: String) throws(BuildError) -> EpochSource {
        let platform = (platforms.first ?? buildPlatform).normalized
        if let context = ContextNames(namedContexts).context(for: name, platform: platform) { return .context(context) }
        let source = try SourceStages(dockerfile)
        guard let stage = source.stages.first(where: { $0.from.stageName == name.lowercased() }) else {
            throw BuildError(
                "invalid SOURCE_DATE_EPOCH: \(name)",
                hints: ["give seconds since 1970, context, or the name of a build context or stage"]
            )
        }
        let automatic = AutomaticArguments.values(build: buildPlatform, target: platform, stage: target ?? "default")
        let expander = Expander(escape: dockerfile.directives.escape)
        let globals = try GlobalScope(source, automatic: automatic, buildArgs: planArgs, expander: expander)
        var epochStage = EpochStage(variables: globals.variables, given: planArgs, expander: expander)
        do throws(BuildError) {
            return try epochStage.source(of: stage)
        } catch {
            throw error.located(at: stage.line.range)
        }
    }
}

/// A stage that only says where its one source is.
private struct EpochStage {
    var variables: Variables
    let given: [String: String]
    let expander: Expander

    mutating func source(of stage: SourceStages.Stage) throws(BuildError) -> EpochSource {
        guard try expand(stage.from.image, stage.line) == "scratch" else {
            throw BuildError("SOURCE_DATE_EPOCH stage must use FROM scratch")
        }
        var found: EpochSource?
        for instruction in stage.instructions {
            switch instruction.body {
            case .arg(let definitions):
                for definition in definitions {
                    if let value = given[definition.name] {
                        variables[definition.name] = value
                    } else if let word = definition.value {
                        variables[definition.name] = try expand(word, instruction)
                    }
                }
            case .add(let add) where found == nil: found = try source(of: add, instruction)
            case .add: throw BuildError("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD")
            default:
                throw BuildError(
                    "SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported \(instruction.keyword.uppercased()) instruction"
                )
            }
        }
        guard let found else { throw BuildError("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD") }
        return found
    }

    private func source(of add: CopyInstruction, _ instruction: Instruction) throws(BuildError) -> EpochSource {
        guard add.heredocs.isEmpty, add.sources.count == 1 else {
            throw BuildError("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source")
        }
        var checksum: String?
        if let word = add.checksum { checksum = try expand(word, instruction) }
        if checksum?.isEmpty ?? false { checksum = nil }
        switch try StageDispatch.classify(try expand(add.sources[0], instruction), .add) {
        case .url(let url): return .url(url, checksum: checksum)
        case .git(let reference): return .git(reference, checksum: checksum)
        case .path: throw BuildError("SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD")
        }
    }

    private func expand(_ word: String, _ instruction: Instruction) throws(BuildError) -> String {
        try expander.expand(word, variables, at: instruction.range).text
    }
}
