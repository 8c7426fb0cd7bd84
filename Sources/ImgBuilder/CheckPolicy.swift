import ImgChecks
import ImgDockerfile
import ImgReport

/// How strict the static checks of a build are: the command line, else the Dockerfile's comments, else the default.
struct CheckPolicy: Sendable {
    let platformCheck: CheckLevel
    let startCheck: CheckLevel
    let secretCheck: CheckLevel
    /// Files that may be for another processor.
    let platformExceptions: PathExceptions
    /// Files that may hold a secret.
    let secretExceptions: PathExceptions

    init(request: BuildRequest, directives: CheckDirectives) {
        platformCheck = request.platformCheck ?? directives.platformCheck ?? .error
        startCheck = request.startCheck ?? directives.startCheck ?? .warn
        secretCheck = request.secretCheck ?? directives.secretCheck ?? .warn
        platformExceptions = PathExceptions(request.platformCheckExceptions + directives.platformExceptions)
        secretExceptions = PathExceptions(request.secretCheckExceptions + directives.secretExceptions)
    }

    var isAnyOn: Bool { [platformCheck, startCheck, secretCheck].contains { $0 != .off } }

    /// Whether what is found in a single file can stop the build.
    var isAnyFileRejected: Bool { platformCheck == .error || secretCheck == .error }

    /// What a finding means.
    func level(_ finding: Diagnostic) -> CheckLevel {
        if finding.rule == CheckRule.secretFile.rawValue { return secretCheck }
        // The architecture check knows the instruction that copied the file; the start check knows none.
        return finding.range == nil ? startCheck : platformCheck
    }
}

/// Globs of image paths about which the user has said that they are meant to be so.
struct PathExceptions: Sendable {
    private let patterns: [[UInt8]]

    init(_ globs: [String]) {
        patterns = globs.map { Array(($0.hasPrefix("/") ? $0.dropFirst() : $0[...]).utf8) }
    }

    func contain(_ path: [UInt8]) -> Bool {
        patterns.contains { (try? PathMatch.match(pattern: $0, name: path)) == true }
    }
}
