public import ImgOCI
public import ImgReport

/// What a build made and where it went.
public struct BuildResult: Sendable {
    /// The index, or the manifest of a single platform.
    public var root: Descriptor
    /// One per platform, in the order asked for.
    public var images: [BuiltImage]
    /// References that now point to ``root``, as pushed.
    public var pushed: [ImageReference]
    /// Names given to the result, pushed or not.
    public var names: [ImageReference]
    /// Lint and other findings that did not stop the build.
    public var warnings: [Diagnostic]

    /// Makes it from its parts, as tests without a builder need it.
    public init(
        root: Descriptor,
        images: [BuiltImage],
        pushed: [ImageReference],
        names: [ImageReference],
        warnings: [Diagnostic]
    ) {
        self.root = root
        self.images = images
        self.pushed = pushed
        self.names = names
        self.warnings = warnings
    }
}

/// The image of one platform.
public struct BuiltImage: Sendable {
    /// What it runs on.
    public var platform: Platform
    /// Its manifest.
    public var manifest: Descriptor
    /// Its configuration.
    public var config: Descriptor
    /// Bottom first, the base's included.
    public var layers: [Descriptor]
    /// How many of ``layers`` are the base's own.
    public var baseLayerCount: Int
    /// What the static checks found.
    public var findings: [Diagnostic]
    /// False when all checks were turned off.
    public var isChecked: Bool

    /// Makes it from its parts, as tests without a builder need it.
    public init(
        platform: Platform,
        manifest: Descriptor,
        config: Descriptor,
        layers: [Descriptor],
        baseLayerCount: Int,
        findings: [Diagnostic],
        isChecked: Bool = true
    ) {
        self.platform = platform
        self.manifest = manifest
        self.config = config
        self.layers = layers
        self.baseLayerCount = baseLayerCount
        self.findings = findings
        self.isChecked = isChecked
    }
}
