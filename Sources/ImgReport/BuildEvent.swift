public import ImgOCI

/// What happens during a build, push or copy, as values in order.
///
/// State changes are never dropped.
@nonexhaustive
public enum BuildEvent: Sendable {
    /// A line for people.
    case note(String)
    /// Something that deserves attention and does not stop the build.
    case warning(Diagnostic)
    /// A line for people who look for a fault (`--debug`); secrets are masked already.
    case debug(String)
    /// Work on a step of the build.
    case step(StepEvent)
    /// Work on a blob at a registry.
    case blob(BlobEvent)
    /// A manifest or index has been put.
    case manifest(repository: String, digest: Digest, platform: Platform?)
    /// A tag points to what was built.
    case tagged(reference: String, digest: Digest)
}

/// One step of the build for one or more platforms.
public struct StepEvent: Sendable, Hashable {
    /// What became of it.
    @nonexhaustive
    public enum State: Sendable, Hashable {
        case cached
        /// Bytes of files that are in the layer so far; comes once a second.
        case building(done: Int64, of: Int64)
        /// Bytes of the finished layer, compressed.
        case built(size: Int64)
    }

    /// The instruction, for display.
    public var title: String
    /// The platforms that share it.
    public var platforms: [Platform]
    /// What became of it.
    public var state: State

    /// Makes an event.
    public init(title: String, platforms: [Platform], state: State) {
        self.title = title
        self.platforms = platforms
        self.state = state
    }
}

/// One blob on its way to or from a registry.
public struct BlobEvent: Sendable, Hashable {
    /// What became of it (OUT-2).
    @nonexhaustive
    public enum State: Sendable, Hashable {
        case exists
        case mounted(from: String)
        /// Bytes sent so far; comes again once a second.
        case uploading(sent: Int64)
        case pushed
        /// Bytes received so far; comes again once a second.
        case downloading(received: Int64)
        case downloaded
        case retrying(attempt: Int, reason: String)
    }

    /// The blob.
    public var digest: Digest
    /// Bytes in all.
    public var size: Int64
    /// `host/path`.
    public var repository: String
    /// What became of it.
    public var state: State

    /// Makes an event.
    public init(digest: Digest, size: Int64, repository: String, state: State) {
        self.digest = digest
        self.size = size
        self.repository = repository
        self.state = state
    }
}

/// Where events go.
///
/// Called from any thread; must not block for long.
public protocol EventSink: Sendable {
    /// Takes one event.
    func emit(_ event: BuildEvent)
}

/// Drops every event.
public struct SilentEvents: EventSink {
    /// Makes a sink that drops everything.
    public init() {}

    /// Does nothing.
    public func emit(_ event: BuildEvent) {}
}
