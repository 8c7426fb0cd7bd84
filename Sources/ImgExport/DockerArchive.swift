import ImgOCI
import ImgReport
import ImgStream

/// What `docker save` wrote before it wrote layouts, and what other tools write still: seen as a layout.
///
/// Such an archive names configurations and layers in `manifest.json` and has no manifests. They are made here; the layers
/// stay where they are in the archive, known by their digests: those that are not compressed by their diff IDs.
///
/// - SeeAlso: <https://github.com/moby/docker-image-spec/blob/v1.3.1/v1.2.md#combined-image-json--filesystem-changeset-format>
struct DockerArchive: LayoutFiles {
    static let marker = "manifest.json"
    private static let maxImages = 1000

    private let archive: ArchiveFiles
    private let path: String
    /// What is made.
    private let spool: SpoolFile
    private var parts: [String: FilePart] = [:]
    /// By the name of the file and the diff ID that it was found to have: images share layers.
    private var compressed: [String: Descriptor] = [:]

    /// - Parameter directory: Where temporary files may lie.
    init(_ archive: ArchiveFiles, at path: String, spoolingTo directory: String) throws(BuildError) {
        self.archive = archive
        self.path = path
        do {
            spool = try SpoolFile.create(in: directory)
            let bytes = try file(Self.marker).source.readAll(limit: OCILayout.documentLimit)
            let images = try JSON.parse(bytes).arrayValue ?? []
            guard images.count <= Self.maxImages else { throw OCIError("it lists \(images.count) images") }
            var entries: [Descriptor] = []
            for image in images { entries += try self.entries(image) }
            try add("oci-layout", LayoutIndex.marker)
            try add("index.json", ImageIndex(manifests: entries).encoded())
        } catch let error as BuildError {
            throw error
        } catch is CancellationError {
            throw BuildError(.interrupted, "interrupted")
        } catch {
            throw BuildError("\(path), \(Self.marker): \(error)")
        }
    }

    func find(_ name: String) -> FilePart? { parts[name] }

    /// The entries of the index for one image, one per name that it has.
    private mutating func entries(_ image: JSON) throws -> [Descriptor] {
        let configFile = try file(image["Config"]?.stringValue ?? "")
        let bytes = try configFile.source.readAll(limit: OCILayout.documentLimit)
        let config = try ImageConfig(parsing: bytes)
        let layers = image["Layers"]?.stringArray ?? []
        guard layers.count == config.diffIDs.count else {
            throw OCIError("an image has \(layers.count) layers and \(config.diffIDs.count) diff IDs")
        }
        let configDigest = SHA256.digest(of: bytes)
        parts[OCILayout.blobName(configDigest)] = configFile
        let manifest = ImageManifest(
            config: Descriptor(mediaType: .ociConfig, digest: configDigest, size: Int64(bytes.count)),
            layers: try zip(layers, config.diffIDs).map { try layer($0, $1) }
        )
        .encoded()
        let digest = SHA256.digest(of: manifest)
        try add(OCILayout.blobName(digest), manifest)
        var root = Descriptor(mediaType: .ociManifest, digest: digest, size: Int64(manifest.count))
        if !config.platform.os.isEmpty, !config.platform.architecture.isEmpty { root.platform = config.platform }
        let names = (image["RepoTags"]?.stringArray ?? []).compactMap { try? ImageReference(parsing: $0) }
        return LayoutIndex.entries(root, names: names, tag: nil, created: nil)
    }

    private mutating func layer(_ name: String, _ diffID: Digest) throws -> Descriptor {
        let key = "\(diffID) \(name)"
        if let known = compressed[key] { return known }
        let part = try file(name)
        var layer = Descriptor(mediaType: .ociLayerTar, digest: diffID, size: part.size)
        let magic = try part.source.readChunk(4)
        if magic.starts(with: [0x1f, 0x8b]) { layer.mediaType = .ociLayerGzip }
        if magic.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) { layer.mediaType = .ociLayerZstd }
        if layer.mediaType != .ociLayerTar {
            layer.digest = try digest(of: part.source)
            try Inflater(part.source, expecting: diffID).finish()
            compressed[key] = layer
        }
        parts[OCILayout.blobName(layer.digest)] = part
        return layer
    }

    private func digest(of source: any ByteSource) throws -> Digest {
        let hash = HashingSink(into: NullSink())
        var buffer = ReadBuffer()
        while try buffer.fill(from: source) {
            try Task.checkCancellation()
            try buffer.withSpan { chunk throws(StreamError) in try hash.write(chunk) }
        }
        return hash.digest
    }

    private func file(_ name: String) throws(BuildError) -> FilePart {
        guard let part = archive.find(name) else {
            throw BuildError("\(path) has no file \"\(name)\", which its \(Self.marker) names")
        }
        return part
    }

    private mutating func add(_ name: String, _ bytes: [UInt8]) throws(StreamError) {
        let offset = spool.size
        try spool.append(bytes.span)
        parts[name] = spool.part(.init(offset: offset, size: Int64(bytes.count)))
    }
}
