import ImgExport
import ImgLayers
import ImgOCI
import ImgStore
import ImgStream
import ImgTasks

/// An image of an archive that has no manifests, with its layers compressed as a build's own are.
///
/// What is compressed stays in the cache.
struct CompressedSource: ImageSource {
    private struct Made: Sendable {
        var root: ImageGraph.Content
        var layers: [Digest: Blob]
    }

    private let archive: LayoutSource
    private let layers: BaseLayers
    private let session: BuildSession
    private let made = OnceMap<String, Made>()

    init(_ archive: LayoutSource, _ session: BuildSession) async throws {
        self.archive = archive
        self.session = session
        layers = try await BaseLayers(session)
    }

    var name: String { archive.name }
    var repository: ImageReference? { nil }

    func resolve() async throws -> ImageGraph.Content { try await image().root }

    /// No image of an archive has another below it.
    func manifest(_ descriptor: Descriptor) async throws -> [UInt8] { try await archive.manifest(descriptor) }

    func blob(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] {
        try await archive.blob(descriptor, limit: limit)
    }

    func holds(_ descriptor: Descriptor) async -> Bool {
        if made.value(ifReady: "")?.layers[descriptor.digest] != nil { return true }
        return await archive.holds(descriptor)
    }

    func stream(_ descriptor: Descriptor) async throws -> ContentStream {
        guard let layer = try await image().layers[descriptor.digest] else {
            return try await archive.stream(descriptor)
        }
        return try await ContentReading.stream(layer, pool: session.pool)
    }

    private func image() async throws -> Made {
        try await made.value(for: "") { [archive, layers, session] in
            var root = try await archive.resolve()
            var manifest = try ImageManifest(parsing: root.bytes, mediaType: root.descriptor.mediaType)
            var blobs: [Digest: Blob] = [:]
            for (place, layer) in manifest.layers.enumerated() where layer.mediaType == .ociLayerTar {
                // A layer that is not compressed is known by its diff ID.
                let location = BaseLayers.Location(descriptor: layer, diffID: layer.digest, source: archive)
                let blob = try await layers.converted(location, to: .standard, workers: session.workers)
                manifest.layers[place] = blob.descriptor
                blobs[blob.descriptor.digest] = blob
            }
            root.bytes = manifest.encoded()
            root.descriptor.digest = SHA256.digest(of: root.bytes)
            root.descriptor.size = Int64(root.bytes.count)
            return Made(root: root, layers: blobs)
        }
    }
}
