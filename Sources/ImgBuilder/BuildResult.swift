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
}
