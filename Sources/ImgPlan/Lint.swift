import ImgDockerfile
import ImgOCI
import ImgReport

/// Rules that the text alone decides but that take more than one instruction (§17).
struct Lint {
    let source: SourceStages
    /// Rules about what stages do look at these only (LINT-1).
    let reached: Set<Int>

    func run(_ dockerfile: Dockerfile, _ findings: inout Findings) {
        for instruction in dockerfile.instructions { LineLint.check(instruction, &findings) }
        checkCasing(&findings)
        checkNames(&findings)
        for stage in source.stages {
            checkPlatform(of: stage, &findings)
            guard reached.contains(stage.index) else { continue }
            checkRepetition(stage, &findings)
            for instruction in stage.instructions { checkSecrets(instruction, &findings) }
        }
    }

    // MARK: Stages

    private func checkNames(_ findings: inout Findings) {
        var seen: Set<String> = []
        for stage in source.stages {
            guard let name = stage.from.stageName else { continue }
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

    private func checkPlatform(of stage: SourceStages.Stage, _ findings: inout Findings) {
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
        let votes = counted.compactMap { $0.keyword.isUpperCase }
        let isUpper = votes.count { $0 } * 2 >= votes.count
        for instruction in counted where instruction.keyword.isUpperCase != isUpper {
            findings.report(
                .consistentInstructionCasing,
                "Command '\(instruction.keyword)' should match the case of the command majority (\(isUpper ? "uppercase" : "lowercase"))",
                instruction
            )
        }
    }

    // MARK: Secrets

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
}

extension Findings {
    mutating func report(
        _ rule: LintRule,
        _ message: String,
        _ instruction: Instruction,
        hints: [String] = []
    ) {
        report(rule, message, at: instruction.range, skipped: instruction.skippedRules, hints: hints)
    }
}
