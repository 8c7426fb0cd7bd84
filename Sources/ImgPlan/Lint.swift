import ImgDockerfile
import ImgOCI
import ImgReport

/// Rules that the text alone decides (§17); the others are reported where words are expanded.
struct Lint {
    let source: SourceStages
    /// Rules about what stages do look at these only (LINT-1).
    let reached: Set<Int>

    func run(_ dockerfile: Dockerfile, _ findings: inout Findings) {
        for instruction in dockerfile.instructions { check(instruction, &findings) }
        checkCasing(&findings)
        checkNames(&findings)
        for instruction in source.globalArguments { checkDefinition(instruction, &findings) }
        for stage in source.stages {
            checkFrom(stage, &findings)
            for instruction in stage.instructions { checkDefinition(instruction, &findings) }
            guard reached.contains(stage.index) else { continue }
            checkRepetition(stage, &findings)
            for instruction in stage.instructions { checkSecrets(instruction, &findings) }
        }
    }

    private func check(_ instruction: Instruction, _ findings: inout Findings) {
        if instruction.hasEmptyContinuation {
            findings.report(.noEmptyContinuation, "Empty continuation line", instruction)
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
        default: break
        }
    }

    /// A default hides the value that differs from platform to platform (ARG-4).
    private func checkPlatformDefaults(
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

    // MARK: Stages

    private func checkNames(_ findings: inout Findings) {
        var seen: Set<String> = []
        for stage in source.stages {
            guard let name = stage.from.stageName else { continue }
            let written = stage.from.stageNameAsWritten ?? name
            if written != written.lowercased() {
                findings.report(.stageNameCasing, "Stage name '\(written)' should be lowercase", stage.line)
            }
            if ["scratch", "context"].contains(name) {
                findings.report(
                    .reservedStageName,
                    "Stage name should not use the same name as reserved stage \"\(name)\"",
                    stage.line
                )
            }
            if !seen.insert(name).inserted {
                findings.report(
                    .duplicateStageName,
                    "Duplicate stage name \(name.goQuoted), stage names should be unique",
                    stage.line
                )
            }
        }
    }

    private func checkFrom(_ stage: SourceStages.Stage, _ findings: inout Findings) {
        checkDefinition(stage.line, &findings)
        let keyword = stage.line.keyword
        if let asKeyword = stage.from.asKeyword, let isUpper = isUpperCase(keyword), isUpperCase(asKeyword) != isUpper {
            findings.report(
                .fromAsCasing,
                "'\(asKeyword)' and '\(keyword)' keywords' casing do not match",
                stage.line
            )
        }
        guard let platform = stage.from.platform, !platform.isEmpty else { return }
        if platform == "$TARGETPLATFORM" || platform == "${TARGETPLATFORM}" {
            findings.report(
                .redundantTargetPlatform,
                "Setting platform to predefined \(platform) in FROM is redundant as this is the default behavior",
                stage.line
            )
        } else if !platform.contains("$"), let parsed = try? Platform(parsing: platform) {
            let name = stage.from.stageName ?? ""
            guard !name.contains(parsed.os), !name.contains(parsed.architecture) else { return }
            findings.report(
                .fromPlatformFlagConstDisallowed,
                "FROM --platform flag should not use constant value \(platform.goQuoted)",
                stage.line
            )
        }
    }

    private func checkRepetition(_ stage: SourceStages.Stage, _ findings: inout Findings) {
        var last: [String: Instruction] = [:]
        for instruction in stage.instructions {
            let name = instruction.keyword.uppercased()
            guard ["CMD", "ENTRYPOINT", "HEALTHCHECK"].contains(name) else { continue }
            if let previous = last.updateValue(instruction, forKey: name) {
                findings.report(
                    .multipleInstructionsDisallowed,
                    "Multiple \(name) instructions should not be used in the same stage because only the last one will be used",
                    previous
                )
            }
        }
    }

    // MARK: Keywords

    private func checkCasing(_ findings: inout Findings) {
        let counted = source.stages.flatMap { [$0.line] + $0.instructions }
        let votes = counted.compactMap { isUpperCase($0.keyword) }
        let isUpper = votes.count { $0 } * 2 >= votes.count
        for instruction in counted where isUpperCase(instruction.keyword) != isUpper {
            findings.report(
                .consistentInstructionCasing,
                "Command '\(instruction.keyword)' should match the case of the command majority (\(isUpper ? "uppercase" : "lowercase"))",
                instruction
            )
        }
    }

    /// nil for mixed case.
    private func isUpperCase(_ keyword: String) -> Bool? {
        if keyword == keyword.uppercased() { return true }
        return keyword == keyword.lowercased() ? false : nil
    }

    // MARK: Definitions

    private static let secretWords: Set<String> = [
        "apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token",
    ]
    private static let harmlessWords: Set<String> = ["public", "file", "version"]

    private func checkSecrets(_ instruction: Instruction, _ findings: inout Findings) {
        let names: [String]
        switch instruction.body {
        case .arg(let definitions): names = definitions.map(\.name)
        case .env(let pairs, _): names = pairs.map(\.key)
        default: return
        }
        for name in names {
            let words = Set(name.lowercased().split(separator: "_").map(String.init))
            guard !words.isDisjoint(with: Self.secretWords), words.isDisjoint(with: Self.harmlessWords) else {
                continue
            }
            findings.report(
                .secretsUsedInArgOrEnv,
                "Do not use ARG or ENV instructions for sensitive data (\(instruction.keyword.uppercased()) \(name.goQuoted))",
                instruction
            )
        }
    }

    /// Experimental: a comment above a definition starts with its name.
    private func checkDefinition(_ instruction: Instruction, _ findings: inout Findings) {
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

extension Findings {
    fileprivate mutating func report(
        _ rule: LintRule,
        _ message: String,
        _ instruction: Instruction,
        hints: [String] = []
    ) {
        report(rule, message, at: instruction.range, skipped: instruction.skippedRules, hints: hints)
    }
}
