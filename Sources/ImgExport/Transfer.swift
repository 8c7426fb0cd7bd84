package import ImgOCI
import ImgReport

/// Reads a whole graph from a source: what a tag or digest leads to, every child, every blob.
package enum GraphReader {
    /// Indexes below each other that are followed (PULL-11).
    private static let depthLimit = 4

    /// - Parameter platforms: Only images for one of these; empty means everything, artifacts included.
    package static func graph(from source: any ImageSource, platforms: [Platform] = []) async throws -> ImageGraph {
        let root = try await source.resolve()
        guard root.descriptor.mediaType.isIndex else {
            return ImageGraph(images: [try image(root, source)], index: nil)
        }
        guard platforms.isEmpty else {
            let found = try await manifests(of: root, from: source) { isWanted($0, platforms) }
            return ImageGraph(images: try found.map { try image($0, source) }, index: nil)
        }
        var images: [ImageGraph.Image] = []
        for entry in try ImageIndex(parsing: root.bytes, mediaType: root.descriptor.mediaType).manifests {
            guard !entry.mediaType.isIndex else {
                throw BuildError(
                    "\(source.name): \(root.descriptor.digest) lists an index, \(entry.digest), which can't be copied along",
                    hints: ["copy the images of some platforms with --platform"]
                )
            }
            let bytes = try await source.manifest(entry)
            images.append(try image(ImageGraph.Content(descriptor: entry, bytes: bytes), source))
        }
        return ImageGraph(images: images, index: root)
    }

    /// The images of an index in its order, those of indexes within it in their place.
    package static func manifests(
        of root: ImageGraph.Content,
        from source: any ImageSource,
        where isWanted: (Descriptor) -> Bool = \.isImage
    ) async throws -> [ImageGraph.Content] {
        var seen: Set<Digest> = []
        return try await manifests(of: root, source, isWanted, depth: 1, &seen)
    }

    private static func manifests(
        of content: ImageGraph.Content,
        _ source: any ImageSource,
        _ isWanted: (Descriptor) -> Bool,
        depth: Int,
        _ seen: inout Set<Digest>
    ) async throws -> [ImageGraph.Content] {
        guard depth <= depthLimit else {
            throw BuildError("\(source.name): indexes lie more than \(depthLimit) deep within each other")
        }
        var found: [ImageGraph.Content] = []
        for entry in try ImageIndex(parsing: content.bytes, mediaType: content.descriptor.mediaType).manifests {
            let counts = entry.mediaType.isIndex ? entry.isImage : isWanted(entry)
            guard counts, seen.insert(entry.digest).inserted else { continue }
            let child = ImageGraph.Content(descriptor: entry, bytes: try await source.manifest(entry))
            if entry.mediaType.isIndex {
                found += try await manifests(of: child, source, isWanted, depth: depth + 1, &seen)
            } else {
                found.append(child)
            }
        }
        return found
    }

    private static func isWanted(_ entry: Descriptor, _ platforms: [Platform]) -> Bool {
        guard let platform = entry.platform else { return false }
        return platforms.contains { $0.normalized == platform.normalized }
    }

    private static func image(_ content: ImageGraph.Content, _ source: any ImageSource) throws -> ImageGraph.Image {
        let manifest = try ImageManifest(parsing: content.bytes, mediaType: content.descriptor.mediaType)
        return ImageGraph.Image(
            platform: content.descriptor.platform,
            manifest: content,
            config: Blob(descriptor: manifest.config, origin: .source(source)),
            layers: manifest.layers.map { Blob(descriptor: $0, origin: .source(source)) }
        )
    }
}
