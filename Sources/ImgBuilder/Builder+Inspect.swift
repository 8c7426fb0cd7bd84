import ImgExport
public import ImgOCI
public import ImgReport

/// What an image is, as far as its documents say.
public struct ImageDescription: Sendable {
    /// Index or manifest as served.
    public var root: Descriptor
    /// The bytes that ``root`` is the digest of.
    public var rootBytes: [UInt8]
    /// One per image, in the order of the index.
    public var images: [Image]

    /// Makes it from its parts, as tests without a builder need it.
    public init(root: Descriptor, rootBytes: [UInt8], images: [Image]) {
        self.root = root
        self.rootBytes = rootBytes
        self.images = images
    }

    /// The image of one platform.
    public struct Image: Sendable {
        /// From the index, else from the configuration.
        public var platform: Platform
        /// Of the manifest.
        public var manifest: Descriptor
        /// Bottom first.
        public var layers: [Descriptor]
        /// Empty for what is no image.
        public var config: ImageConfig
        /// The kind of an artifact; nil for images.
        public var artifactType: String?

        /// Makes it from its parts, as tests without a builder need it.
        public init(
            platform: Platform,
            manifest: Descriptor,
            layers: [Descriptor],
            config: ImageConfig,
            artifactType: String? = nil
        ) {
            self.platform = platform
            self.manifest = manifest
            self.layers = layers
            self.config = config
            self.artifactType = artifactType
        }

        /// Compressed bytes of all layers.
        public var size: Int64 { layers.reduce(0) { $0 + $1.size } }
    }
}

extension Builder {
    /// Reads what an image is, of every platform, without its layers.
    public func inspect(_ location: ImageLocation) async throws(BuildError) -> ImageDescription {
        try await perform { session in
            let source = try await session.open(location)
            let root = try await source.resolve()
            let isIndex = root.descriptor.mediaType.isIndex
            let entries = isIndex ? try await GraphReader.manifests(of: root, from: source) : [root]
            var images: [ImageDescription.Image] = []
            for entry in entries where entry.descriptor.mediaType.isManifest {
                let manifest = try ImageManifest(parsing: entry.bytes, mediaType: entry.descriptor.mediaType)
                let type = manifest.config.mediaType
                let config =
                    type.isImageConfig
                    ? try ImageConfig(parsing: try await source.blob(manifest.config, limit: ImageLimits.config))
                    : ImageConfig(platform: Platform(os: "", architecture: ""))
                images.append(
                    ImageDescription.Image(
                        platform: entry.descriptor.platform ?? config.platform.normalized,
                        manifest: entry.descriptor,
                        layers: manifest.layers,
                        config: config,
                        artifactType: manifest.artifactType ?? (type.isImageConfig ? nil : type.rawValue)
                    )
                )
            }
            return ImageDescription(root: root.descriptor, rootBytes: root.bytes, images: images)
        }
    }
}
