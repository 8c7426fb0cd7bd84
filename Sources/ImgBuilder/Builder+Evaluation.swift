public import ImgReport

/// What `--check` found.
public struct CheckReport: Sendable {
    /// Sorted by file and line.
    public var warnings: [Diagnostic]
    /// Why the Dockerfile can't be built; nil when it can.
    public var error: BuildError?

    /// Neither warning nor error.
    public var isClean: Bool { warnings.isEmpty && error == nil }
}

/// What a build of one target can be given.
public struct OutlineReport: Sendable {
    /// A `--build-arg` that has an effect.
    public struct Argument: Sendable {
        /// As written after ARG.
        public var name: String
        /// With the arguments of the request; nil when there is neither argument nor default.
        public var value: String?
        /// From the comment above ARG that starts with the name.
        public var description: String?
        /// The ARG that declares it.
        public var range: SourceRange
    }

    /// Nil for a target without a name.
    public var name: String?
    /// From the comment above FROM that starts with the name.
    public var description: String?
    /// In order of lines.
    public var arguments: [Argument]
    /// The text that was read.
    public var dockerfile: SourceFile
}

/// The stages of a Dockerfile.
public struct TargetsReport: Sendable {
    /// One stage.
    public struct Target: Sendable {
        /// What ``BuildRequest/target`` takes; nil for a stage without a name.
        public var name: String?
        /// From the comment above FROM that starts with the name.
        public var description: String?
        /// Whether it is built when no target is named.
        public var isDefault: Bool
        /// The operand of FROM as written.
        public var base: String
        /// `--platform` of FROM as written.
        public var platform: String?
        /// The FROM line.
        public var range: SourceRange
    }

    /// In order of lines.
    public var targets: [Target]
    /// The text that was read.
    public var dockerfile: SourceFile
}

extension Builder {
    /// Evaluates a Dockerfile without building it, as `--check` does.
    public func check(_ request: BuildRequest) async throws(BuildError) -> CheckReport {
        try await perform(request) { try await BuildRun(session: $0, request: request).check() }
    }

    /// The arguments that a build of the request's target takes; no image is looked at.
    public func outline(_ request: BuildRequest) async throws(BuildError) -> OutlineReport {
        try await perform(request) { try await BuildRun(session: $0, request: request).outline() }
    }

    /// The stages that can be built; no image is looked at.
    public func targets(_ request: BuildRequest) async throws(BuildError) -> TargetsReport {
        try await perform(request) { try await BuildRun(session: $0, request: request).targets() }
    }
}
