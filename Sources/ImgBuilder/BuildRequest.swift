import ImgHTTP
public import ImgOCI
import ImgPlan

/// Everything a build needs to know, as values; nothing else is read from the process.
public struct BuildRequest: Sendable, Hashable {
    /// Where the files to copy come from.
    public var context: ContextLocation
    /// Where the Dockerfile is; nil means `Dockerfile` in the context.
    public var dockerfile: DockerfileLocation?
    /// In the order of the resulting index; empty means the platform this program runs on.
    public var platforms: [Platform] = []
    /// Name of the stage to build; nil means the last.
    public var target: String?
    /// `--build-arg`; a nil value is taken from the environment when it is set there.
    public var buildArguments: [BuildArgument] = []
    /// `--label`, merged last.
    public var labels: [ImageLabel] = []
    /// `--annotation`.
    public var annotations: [AnnotationRequest] = []
    /// `--build-context`.
    public var namedContexts: [BuildContext] = []
    /// `--tag`, in order.
    public var tags: [ImageReference] = []
    /// Where the result goes; empty means that nothing leaves the build.
    public var outputs: [OutputRequest] = []
    /// How new layers are compressed.
    public var compression = CompressionRequest()
    /// Whether one platform gets an index too.
    public var forcesIndex = false
    /// Whether Docker's schema 2 types are written instead of OCI's.
    public var usesDockerMediaTypes = false
    /// `SOURCE_DATE_EPOCH` by another way; nil leaves it to the build arguments.
    public var timestamp: TimestampRequest?
    /// Whether cached layers may be used.
    public var usesCache = true
    /// `--cache-from`: where layers and path indexes of other machines are looked up, in order.
    public var cacheSources: [CachePlace] = []
    /// `--cache-to`: where those of this build are written once it is published.
    public var cacheTargets: [CacheTarget] = []
    /// Whether a base for another platform than asked is accepted.
    public var allowsPlatformMismatch = false
    /// What a copied file for another processor means; nil takes it from the Dockerfile's comments, else an error.
    public var platformCheck: CheckLevel?
    /// What it means when the result is sure not to start; nil takes it from the Dockerfile's comments, else a warning:
    /// many images are only bases of others.
    public var startCheck: CheckLevel?
    /// Globs of image paths that the architecture check leaves alone.
    public var platformCheckExceptions: [String] = []
    /// What a copied file with a secret means; nil takes it from the Dockerfile's comments, else a warning.
    public var secretCheck: CheckLevel?
    /// Globs of image paths in which secrets are not looked for.
    public var secretCheckExceptions: [String] = []
    /// Names of consumers that must be able to pull the result, such as `fargate` (`docs/checks.md`).
    public var consumers: [String] = []
    /// What is checked at the registry before a tag moves.
    public var verification: Verification = .manifests
    /// Whether a missing repository is created where the registry has an API for it (Amazon ECR).
    public var createsRepository = false

    /// A request with defaults for everything but the context.
    public init(context: ContextLocation) {
        self.context = context
    }
}

/// Where a build context is.
public enum ContextLocation: Sendable, Hashable {
    /// A directory on disk.
    case directory(String)
    /// A tar file, plain or compressed.
    case archive(String)
    /// A tar on standard input, or nothing but a Dockerfile.
    case standardInput
    /// A git URL with ref and subdirectory.
    case git(String)
    /// No files at all.
    case empty

    /// Whether a text names a git repository rather than a path.
    public static func isGitURL(_ text: String) -> Bool {
        (try? GitReference(recognising: text)) ?? nil != nil
    }

    /// A context as it may be printed: without the credentials of a URL.
    package static func masked(_ text: String) -> String { URLMask.maskText(text) }
}

/// Where a Dockerfile is.
public enum DockerfileLocation: Sendable, Hashable {
    /// A file; relative to the working directory, or to the root of an archive or git context.
    case file(String)
    /// Standard input.
    case standardInput
    /// The text itself.
    case text([UInt8], name: String)
}

/// A `--build-arg`.
public struct BuildArgument: Sendable, Hashable {
    /// The name.
    public var name: String
    /// The value; nil takes it from the environment.
    public var value: String?

    /// Makes an argument.
    public init(name: String, value: String?) {
        self.name = name
        self.value = value
    }
}

/// A `--label`.
public struct ImageLabel: Sendable, Hashable {
    /// The key.
    public var key: String
    /// The value.
    public var value: String

    /// Makes a label.
    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// A `--build-context`: what stands in for a stage or an image of that name.
public struct BuildContext: Sendable, Hashable {
    /// As FROM and `--from` write it; `NAME::PLATFORM` is for one platform.
    public var name: String
    /// A directory, a file, `docker-image://REF`, `oci-layout://PATH` or a git URL.
    public var value: String

    /// Makes a context.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// An `--annotation` with what it is written on (MT-21).
public struct AnnotationRequest: Sendable, Hashable {
    /// What carries an annotation.
    public enum Level: String, Sendable, Hashable {
        case manifest
        case index
        case manifestDescriptor = "manifest-descriptor"
        case indexDescriptor = "index-descriptor"
    }

    /// What carries it.
    public var level: Level
    /// Only this platform's image; nil means all.
    public var platform: Platform?
    /// The key.
    public var key: String
    /// The value.
    public var value: String

    /// Makes an annotation.
    public init(level: Level, platform: Platform?, key: String, value: String) {
        self.level = level
        self.platform = platform
        self.key = key
        self.value = value
    }
}

/// How new layers are compressed.
public struct CompressionRequest: Sendable, Hashable {
    /// gzip is what every consumer reads.
    public var format: LayerCompression = .gzip
    /// Of the compressor; nil is the default of the format.
    public var level: Int?
    /// Whether base layers of another compression are compressed anew.
    public var isForced = false

    /// gzip at the default level.
    public init() {}

    /// Makes a choice.
    public init(format: LayerCompression, level: Int?) {
        self.format = format
        self.level = level
    }
}

/// Where the result of a build goes.
public enum OutputRequest: Sendable, Hashable {
    /// Push to the registries of the tags.
    case registry
    /// Push to one repository by digest only, no tag.
    case registryByDigest(ImageReference)
    /// An OCI layout, as a directory or as a tar file; `-` is standard output.
    case layout(path: String, isTar: Bool)
    /// A tar that `docker load` reads; `-` is standard output.
    case dockerArchive(path: String)
    /// The image store of the Docker daemon, by the `docker` program.
    case dockerDaemon
    /// Build only.
    case nothing
}

/// A fixed time for what the build invents.
public enum TimestampRequest: Sendable, Hashable {
    /// Seconds since 1970.
    case epoch(Int64)
    /// The commit time of the git work tree that the context is in.
    case git
}

/// What a finding of the static checks means for the build.
public enum CheckLevel: String, Sendable, Hashable, CaseIterable {
    case error
    case warn
    case off
}

/// What is read back from the registry before a tag moves.
public enum Verification: String, Sendable, Hashable, CaseIterable {
    /// Nothing; the image goes to its tag at once.
    case off
    /// Every manifest and the index that were put, byte by byte; where reads are counted (Docker Hub), a HEAD has to do.
    case manifests
    /// The same, and every blob is asked for.
    case blobs
}
