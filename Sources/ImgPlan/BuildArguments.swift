import ImgDockerfile
import ImgReport

extension PlanInputs {
    static let epochName = "SOURCE_DATE_EPOCH"

    /// Arguments that have a value and that no word sees (ARG-13).
    static let hiddenNames: Set<String> = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]

    /// The arguments that ARG sees, the epoch resolved (REP-3).
    var planArgs: [String: String] {
        var arguments = buildArgs
        arguments[Self.epochName] = epoch.map(String.init)
        return arguments
    }

    /// `SOURCE_DATE_EPOCH` as the command line or a global ARG gives it; nil when unset or empty (REP-1).
    package var requestedEpoch: String? {
        if let given = buildArgs[Self.epochName] { return given.isEmpty ? nil : given }
        var value: String?
        for instruction in dockerfile.instructions {
            guard case .arg(let definitions) = instruction.body else { break }
            for definition in definitions where definition.name == Self.epochName {
                if let word = definition.value { value = word }
            }
        }
        guard let value else { return nil }
        let expanded = try? Expander(escape: dockerfile.directives.escape).expand(value, Variables(), at: nil).text
        return expanded?.isEmpty ?? true ? nil : expanded
    }
}

/// A `--build-arg` that nothing declares has no effect (ARG-8), which is most often a misspelling.
struct UnusedArguments {
    let inputs: PlanInputs
    let survey: StageSurvey

    private static let proxies: Set<String> = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"]

    func report(_ findings: inout Findings) {
        let declared = declaredNames
        for name in inputs.buildArgs.keys.sortedByBytes() where !declared.contains(name) && !isSetting(name) {
            findings.report(
                .unusedBuildArg,
                "Build argument '\(name)' is not declared by any ARG\(Suggestion.suffix(name, among: declared.sortedByBytes()))",
                at: nil
            )
        }
    }

    private func isSetting(_ name: String) -> Bool {
        name.hasPrefix("BUILDKIT_") || name == PlanInputs.epochName || AutomaticArguments.names.contains(name)
            || Self.proxies.contains(name.uppercased())
    }

    private var declaredNames: Set<String> {
        let triggered = survey.triggers.values.joined()
        return Set((inputs.dockerfile.instructions + triggered).flatMap(names))
    }

    private func names(_ instruction: Instruction) -> [String] {
        switch instruction.body {
        case .arg(let definitions): return definitions.map(\.name)
        case .onbuild(let text):
            let trigger = try? Instruction.parseTrigger(text, at: instruction.range)
            return trigger.map { names($0) } ?? []
        default: return []
        }
    }
}
