package import ImgOCI

/// Reads a whole graph from a source: what a tag or digest leads to, every child, every blob.
package enum GraphReader {

    /// - Parameter platforms: Only images for one of these; empty means everything, artifacts included.
    package static func graph(from source: any ImageSource, platforms: [Platform] = []) async throws -> ImageGraph {
        let root = try await source.resolve()
        guard root.descriptor.mediaType.isIndex else {
            return ImageGraph(images: [try await image(root, source)], index: nil)
        }
        let index = try ImageIndex(parsing: root.bytes, mediaType: root.descriptor.mediaType)
        var images: [ImageGraph.Image] = []
        for entry in index.manifests where Self.isWanted(entry, platforms) {
            let bytes = try await source.manifest(entry)
            images.append(try await image(ImageGraph.Content(descriptor: entry, bytes: bytes), source))
        }
        return ImageGraph(images: images, index: platforms.isEmpty ? root : nil)
    }

    private static func isWanted(_ entry: Descriptor, _ platforms: [Platform]) -> Bool {
        guard !platforms.isEmpty else { return true }
        guard let platform = entry.platform else { return false }
        return platforms.contains { $0.normalized == platform.normalized }
    }

    private static func image(_ content: ImageGraph.Content, _ source: any ImageSource) async throws -> ImageGraph.Image
    {
        let manifest = try ImageManifest(parsing: content.bytes, mediaType: content.descriptor.mediaType)
        return ImageGraph.Image(
            platform: content.descriptor.platform,
            manifest: content,
            config: Blob(descriptor: manifest.config, origin: .source(source)),
            layers: manifest.layers.map { Blob(descriptor: $0, origin: .source(source)) }
        )
    }
}
