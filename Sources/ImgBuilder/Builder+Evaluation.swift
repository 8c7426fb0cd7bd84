public import ImgReport

/// What `--check` found.
public struct CheckReport: Sendable {
    /// Sorted by file and line.
    public var warnings: [Diagnostic]
    /// Why the Dockerfile can't be built; nil when it can.
    public var error: BuildError?

    /// Makes it from its parts, as tests without a builder need it.
    public init(warnings: [Diagnostic], error: BuildError? = nil) {
        self.warnings = warnings
        self.error = error
    }

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

        /// Makes it from its parts, as tests without a builder need it.
        public init(name: String, value: String? = nil, description: String? = nil, range: SourceRange) {
            self.name = name
            self.value = value
            self.description = description
            self.range = range
        }
    }

    /// Nil for a target without a name.
    public var name: String?
    /// From the comment above FROM that starts with the name.
    public var description: String?
    /// In order of lines.
    public var arguments: [Argument]
    /// The text that was read.
    public var dockerfile: SourceFile

    /// Makes it from its parts, as tests without a builder need it.
    public init(name: String? = nil, description: String? = nil, arguments: [Argument], dockerfile: SourceFile) {
        self.name = name
        self.description = description
        self.arguments = arguments
        self.dockerfile = dockerfile
    }
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

        /// Makes it from its parts, as tests without a builder need it.
        public init(
            name: String? = nil,
            description: String? = nil,
            isDefault: Bool,
            base: String,
            platform: String? = nil,
            range: SourceRange
        ) {
            self.name = name
            self.description = description
            self.isDefault = isDefault
            self.base = base
            self.platform = platform
            self.range = range
        }
    }

    /// In order of lines.
    public var targets: [Target]
    /// The text that was read.
    public var dockerfile: SourceFile

    /// Makes it from its parts, as tests without a builder need it.
    public init(targets: [Target], dockerfile: SourceFile) {
        self.targets = targets
        self.dockerfile = dockerfile
    }
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
