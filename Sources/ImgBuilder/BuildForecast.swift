public import ImgOCI
public import ImgReport

/// What a build would make and send, as far as that is known before anything is made (``Builder/forecast(_:)``).
public struct BuildForecast: Sendable {
    /// One layer of an image.
    public struct Layer: Sendable {
        /// Where it comes from.
        public enum Origin: Sendable, Hashable {
            /// The base image has it.
            case base
            /// An earlier build has made it.
            case cache
            /// It is made of so many bytes of files, or of a base's layer in another compression.
            case made(of: Int64)
        }

        /// The same for layers of several platforms that are made and sent once.
        public var id: String
        /// The instruction, for display; nil for a layer of the base.
        public var step: String?
        /// Where it comes from.
        public var origin: Origin
        /// Nil for a layer that has yet to be made.
        public var descriptor: Descriptor?
        /// What has to be done for it, one for each of ``BuildForecast/repositories``.
        public var transfers: [Transfer]

        /// Makes it from its parts, as tests without a builder need it.
        public init(
            id: String,
            step: String? = nil,
            origin: Origin,
            descriptor: Descriptor? = nil,
            transfers: [Transfer]
        ) {
            self.id = id
            self.step = step
            self.origin = origin
            self.descriptor = descriptor
            self.transfers = transfers
        }
    }

    /// How a layer gets to a repository.
    public enum Transfer: Sendable, Hashable {
        /// It is there.
        case exists
        /// The registry takes it over from another of its repositories, if it allows that.
        case mount(from: String)
        /// It is sent.
        case upload
    }

    /// The image of one platform.
    public struct Image: Sendable {
        /// What it runs on.
        public var platform: Platform
        /// Bottom first.
        public var layers: [Layer]

        /// Makes it from its parts, as tests without a builder need it.
        public init(platform: Platform, layers: [Layer]) {
            self.platform = platform
            self.layers = layers
        }
    }

    /// A name that the result gets.
    public struct Tag: Sendable {
        /// The name.
        public var reference: ImageReference
        /// What it points to now; nil for a new tag.
        public var current: Digest?
        /// Whether this account may know what it points to.
        public var isReadable: Bool

        /// Makes it from its parts, as tests without a builder need it.
        public init(reference: ImageReference, current: Digest? = nil, isReadable: Bool = true) {
            self.reference = reference
            self.current = current
            self.isReadable = isReadable
        }
    }

    /// One per platform, in the order asked for.
    public var images: [Image]
    /// Where the result goes, as `host/path`.
    public var repositories: [String]
    /// The names in them.
    public var tags: [Tag]
    /// Lint and other findings.
    public var warnings: [Diagnostic]

    /// Makes it from its parts, as tests without a builder need it.
    public init(images: [Image], repositories: [String], tags: [Tag], warnings: [Diagnostic]) {
        self.images = images
        self.repositories = repositories
        self.tags = tags
        self.warnings = warnings
    }
}

extension Builder {
    /// What ``build(_:)`` would do: everything is resolved and asked for, nothing is built, sent or moved.
    ///
    /// - Throws: What would stop the build before its first layer: mistakes in the Dockerfile, missing files and bases, what
    ///   may not be pushed, what a consumer refuses.
    public func forecast(_ request: BuildRequest) async throws(BuildError) -> BuildForecast {
        try await perform(request) { try await BuildRun(session: $0, request: request).forecast() }
    }
}
