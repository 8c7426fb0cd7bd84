import ImgReport

/// The rules of §17 and those of this program.
package enum LintRule: String, Sendable, Hashable, CaseIterable {
    case consistentInstructionCasing = "ConsistentInstructionCasing"
    case copyIgnoredFile = "CopyIgnoredFile"
    case duplicateStageName = "DuplicateStageName"
    case exposeInvalidFormat = "ExposeInvalidFormat"
    case exposeProtoCasing = "ExposeProtoCasing"
    case fromAsCasing = "FromAsCasing"
    case fromPlatformFlagConstDisallowed = "FromPlatformFlagConstDisallowed"
    case invalidBaseImagePlatform = "InvalidBaseImagePlatform"
    case invalidDefaultArgInFrom = "InvalidDefaultArgInFrom"
    case invalidDefinitionDescription = "InvalidDefinitionDescription"
    case jsonArgsRecommended = "JSONArgsRecommended"
    case legacyKeyValueFormat = "LegacyKeyValueFormat"
    case maintainerDeprecated = "MaintainerDeprecated"
    case multipleInstructionsDisallowed = "MultipleInstructionsDisallowed"
    case noEmptyContinuation = "NoEmptyContinuation"
    case redundantTargetPlatform = "RedundantTargetPlatform"
    case reservedStageName = "ReservedStageName"
    case secretsUsedInArgOrEnv = "SecretsUsedInArgOrEnv"
    case stageNameCasing = "StageNameCasing"
    case undefinedArgInFrom = "UndefinedArgInFrom"
    case undefinedVar = "UndefinedVar"
    case workdirRelativePath = "WorkdirRelativePath"
    /// Ours: a default hides the platform that is built for.
    case platformArgDefault = "PlatformArgDefault"
    /// Ours: a `--build-arg` that no ARG declares.
    case unusedBuildArg = "UnusedBuildArg"
    /// Ours: a `--build-context` that nothing refers to.
    case unusedBuildContext = "UnusedBuildContext"

    /// Rules that must be asked for.
    package var isExperimental: Bool { self == .invalidDefinitionDescription }

    /// Page of the rule; rules of this program and one of the others have none (LINT-5).
    package var url: String? {
        switch self {
        case .invalidBaseImagePlatform, .platformArgDefault, .unusedBuildArg, .unusedBuildContext: return nil
        default: return "https://docs.docker.com/go/dockerfile/rule/\(kebabCase)/"
        }
    }

    private var kebabCase: String {
        let letters = Array(rawValue)
        var out = ""
        for (index, letter) in letters.enumerated() {
            let startsWord =
                letter.isUppercase && index > 0
                && (letters[index - 1].isLowercase || (index + 1 < letters.count && letters[index + 1].isLowercase))
            out += (startsWord ? "-" : "") + letter.lowercased()
        }
        return out
    }
}

/// Collects warnings, those left out that are switched off (LINT-3, LINT-4).
struct Findings {
    private(set) var diagnostics: [Diagnostic] = []
    private let skip: Set<String>
    private let skipAll: Bool
    private let experimental: Set<String>
    private let experimentalAll: Bool
    /// Off for all platforms but the first (PLT-10).
    var isOn = true

    init(_ options: LintOptions) {
        skip = options.skip
        skipAll = options.skipAll
        experimental = options.experimental
        experimentalAll = options.experimentalAll
    }

    /// - Parameter skipped: Rules that the comment above the instruction switches off.
    mutating func report(
        _ rule: LintRule,
        _ message: String,
        at range: SourceRange?,
        skipped: Set<String> = [],
        hints: [String] = []
    ) {
        guard isOn else { return }
        let name = rule.rawValue
        if rule.isExperimental {
            guard experimentalAll || experimental.contains(name) else { return }
        } else if skipAll || skip.contains(name) {
            return
        }
        if skipped.contains(name) || skipped.contains("all") { return }
        let finding = Diagnostic(.warning, message, rule: rule.rawValue, at: range, hints: hints, url: rule.url)
        if !diagnostics.contains(finding) { diagnostics.append(finding) }
    }

    /// Notes what is said of each platform, not of the first alone.
    mutating func ofEveryPlatform(_ note: (inout Findings) -> Void) {
        let wasOn = isOn
        isOn = true
        note(&self)
        isOn = wasOn
    }

    /// A warning that no rule stands for.
    mutating func warn(_ message: String, at range: SourceRange? = nil, hints: [String] = []) {
        guard isOn else { return }
        diagnostics.append(Diagnostic(.warning, message, at: range, hints: hints))
    }

    /// In order of lines; those without a place come last.
    var sorted: [Diagnostic] {
        diagnostics.enumerated()
            .sorted { left, right in
                let (a, b) = (left.element.range?.lowerBound ?? .max, right.element.range?.lowerBound ?? .max)
                return a == b ? left.offset < right.offset : a < b
            }
            .map(\.element)
    }
}
