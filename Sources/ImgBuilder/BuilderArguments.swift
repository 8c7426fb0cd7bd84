import ImgOCI
import ImgPlan
import ImgReport

/// Build arguments that speak to the builder rather than to the Dockerfile (ARG-13).
struct BuilderArguments {
    /// `BUILDKIT_CONTEXT_KEEP_GIT_DIR`: whether `.git` of a git context stays; what is no boolean counts as not given.
    let keepsGitDirectory: Bool
    /// `BUILDKIT_MULTI_PLATFORM`: an index even for one platform.
    let forcesIndex: Bool

    init(_ arguments: [String: String], platforms: [Platform]) throws(BuildError) {
        keepsGitDirectory = arguments["BUILDKIT_CONTEXT_KEEP_GIT_DIR"].flatMap { Bool(goText: $0) } ?? false
        guard let text = arguments["BUILDKIT_MULTI_PLATFORM"], !text.isEmpty else {
            forcesIndex = false
            return
        }
        guard let value = Bool(goText: text) else {
            throw BuildError(.usage, "invalid boolean value for multi-platform: \(text)")
        }
        guard value || platforms.count <= 1 else {
            throw BuildError(.usage, "conflicting config: returning multiple target platforms is not allowed")
        }
        forcesIndex = value
    }
}
