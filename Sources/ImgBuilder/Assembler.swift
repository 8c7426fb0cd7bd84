import ImgExport
import ImgOCI
import ImgStream

/// Makes the documents of an image out of its parts.
///
/// Pure: same parts, same bytes.
struct Assembler: Sendable {
    private let types: DocumentTypes
    private let annotations: [AnnotationRequest]

    init(usesDockerTypes: Bool, annotations: [AnnotationRequest]) {
        types = DocumentTypes(usesDocker: usesDockerTypes)
        self.annotations = annotations
    }

    /// One platform's layers and configuration, ready to be written down.
    struct Parts: Sendable {
        var platform: Platform
        var config: ImageConfig
        /// Base layers first; types are brought into one family here (MT-3).
        var layers: [Blob]
    }

    /// Config and manifest of one platform.
    func image(_ parts: Parts) -> ImageGraph.Image {
        let configBytes = parts.config.encoded()
        let config = Descriptor(
            mediaType: types.config,
            digest: SHA256.digest(of: configBytes),
            size: Int64(configBytes.count)
        )
        let layers = parts.layers.map { layer in
            var blob = layer
            blob.descriptor = plain(layer.descriptor)
            return blob
        }
        let manifest = ImageManifest(
            mediaType: types.manifest,
            config: config,
            layers: layers.map(\.descriptor),
            annotations: annotations(.manifest, parts.platform)
        )
        let bytes = manifest.encoded()
        let descriptor = Descriptor(
            mediaType: manifest.mediaType,
            digest: SHA256.digest(of: bytes),
            size: Int64(bytes.count),
            annotations: annotations(.manifestDescriptor, parts.platform),
            platform: parts.platform
        )
        return ImageGraph.Image(
            platform: parts.platform,
            manifest: ImageGraph.Content(descriptor: descriptor, bytes: bytes),
            config: Blob(descriptor: config, origin: .bytes(configBytes)),
            layers: layers
        )
    }

    /// The index of several platforms, in order (MT-11); nil for one platform unless it is asked for.
    func index(_ images: [ImageGraph.Image], isForced: Bool) -> ImageGraph.Content? {
        guard images.count > 1 || isForced else { return nil }
        let index = ImageIndex(
            mediaType: types.index,
            manifests: Self.distinct(images.map(\.manifest.descriptor)),
            annotations: annotations(.index, nil)
        )
        let bytes = index.encoded()
        let descriptor = Descriptor(
            mediaType: index.mediaType,
            digest: SHA256.digest(of: bytes),
            size: Int64(bytes.count),
            annotations: annotations(.indexDescriptor, nil)
        )
        return ImageGraph.Content(descriptor: descriptor, bytes: bytes)
    }

    /// A platform that was asked for twice is listed once: registries refuse repeated entries (PUSH-37).
    private static func distinct(_ entries: [Descriptor]) -> [Descriptor] {
        var seen: Set<Descriptor> = []
        return entries.filter { seen.insert($0).inserted }
    }

    /// A layer's descriptor as it stands in a manifest: the family's type name, nothing internal (MT-10).
    private func plain(_ descriptor: Descriptor) -> Descriptor {
        var copy = Descriptor(
            mediaType: types.layer(descriptor.mediaType),
            digest: descriptor.digest,
            size: descriptor.size
        )
        copy.urls = descriptor.urls
        return copy
    }

    private func annotations(_ level: AnnotationRequest.Level, _ platform: Platform?) -> [String: String] {
        var result: [String: String] = [:]
        for annotation in annotations where annotation.level == level {
            if let wanted = annotation.platform, wanted.normalized != platform?.normalized { continue }
            result[annotation.key] = annotation.value
        }
        return result
    }
}

/// One family of media types, OCI's or Docker's schema 2, for every document alike (MT-2).
struct DocumentTypes: Sendable {
    let usesDocker: Bool

    var index: MediaType { usesDocker ? .dockerManifestList : .ociIndex }
    var manifest: MediaType { usesDocker ? .dockerManifest : .ociManifest }
    var config: MediaType { usesDocker ? .dockerConfig : .ociConfig }

    /// A layer's type by its name in this family, where it has one (MT-3).
    func layer(_ type: MediaType) -> MediaType { usesDocker ? type.dockerEquivalent ?? type : type.ociEquivalent }
}
