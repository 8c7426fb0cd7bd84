import ImgDockerfile
import ImgReport

/// Rules that one instruction decides, found while a Dockerfile is read (§17).
enum LineLint {
    static func check(_ instruction: Instruction, _ findings: inout Findings) {
        if instruction.hasEmptyContinuation {
            // At the last line (LEX-11).
            let range = instruction.range
            findings.report(
                .noEmptyContinuation,
                "Empty continuation line",
                at: SourceRange(file: range.file, lines: range.endLine...range.endLine),
                skipped: instruction.skippedRules
            )
        }
        switch instruction.body {
        case .env(_, legacy: true), .label(_, legacy: true):
            let name = instruction.keyword.uppercased()
            findings.report(
                .legacyKeyValueFormat,
                "\"\(name) key=value\" should be used instead of legacy \"\(name) key value\" format",
                instruction
            )
        case .maintainer:
            findings.report(
                .maintainerDeprecated,
                "Maintainer instruction is deprecated in favor of using label",
                instruction
            )
        case .arg(let definitions): checkPlatformDefaults(definitions, instruction, &findings)
        case .from(let from): checkCasing(of: from, instruction, &findings)
        default: break
        }
        checkDefinition(instruction, &findings)
    }

    private static func checkCasing(
        of from: FromInstruction,
        _ instruction: Instruction,
        _ findings: inout Findings
    ) {
        if let name = from.stageNameAsWritten, name != name.lowercased() {
            findings.report(.stageNameCasing, "Stage name '\(name)' should be lowercase", instruction)
        }
        let keyword = instruction.keyword
        if let asKeyword = from.asKeyword, let isUpper = keyword.isUpperCase, asKeyword.isUpperCase != isUpper {
            findings.report(
                .fromAsCasing,
                "'\(asKeyword)' and '\(keyword)' keywords' casing do not match",
                instruction
            )
        }
    }

    /// A default hides the value that differs from platform to platform (ARG-4).
    private static func checkPlatformDefaults(
        _ definitions: [ArgDefinition],
        _ instruction: Instruction,
        _ findings: inout Findings
    ) {
        for definition in definitions where AutomaticArguments.ofTarget.contains(definition.name) {
            guard let value = definition.value else { continue }
            findings.report(
                .platformArgDefault,
                "Default of ARG \(definition.name) hides the automatic value: every platform is built as '\(value)'",
                instruction,
                hints: ["write ARG \(definition.name) without a default"]
            )
        }
    }

    /// Experimental: a comment above a definition starts with its name.
    private static func checkDefinition(_ instruction: Instruction, _ findings: inout Findings) {
        let name: String
        switch instruction.body {
        case .arg(let definitions): name = definitions.first?.name ?? ""
        case .from(let from): name = from.stageName ?? ""
        default: return
        }
        guard !name.isEmpty, let comment = instruction.comments.last, !comment.isEmpty,
            !comment.hasPrefix("check="), !comment.hasPrefix("\(name) "), comment != name
        else { return }
        findings.report(
            .invalidDefinitionDescription,
            "Comment for \(instruction.keyword.uppercased()) should follow the format: `# \(name) <description>`",
            instruction
        )
    }
}

extension String {
    /// nil for mixed case.
    var isUpperCase: Bool? {
        if self == uppercased() { return true }
        return self == lowercased() ? false : nil
    }
}
