package import ImgOCI
import ImgRegistry
package import ImgReport

/// Chooses the image for a platform below an index, wherever it is read from (PULL-9…11).
package enum ImageSelection {
    private static let maxDepth = 4
    private static let configLimit = 8 << 20

    /// The manifest for a platform; a root that is a manifest is taken as it is.
    ///
    /// - Parameters:
    ///   - takesLesser: Whether the platform's ``Platform/lesser`` does if there is nothing else.
    ///   - remedy: What takes it, for the error.
    /// - Throws: ``BuildError`` `.notFound` with the platforms that there are.
    package static func manifest(
        for platform: Platform,
        below root: ImageGraph.Content,
        of source: any ImageSource,
        takesLesser: Bool = false,
        remedy: String
    ) async throws -> ImageGraph.Content {
        guard root.descriptor.mediaType.isIndex else { return root }
        var seen: [Platform] = []
        if let found = try await search(root, platform, source, depth: 1, &seen) { return found }
        if takesLesser, let lesser = platform.lesser,
            let found = try await search(root, lesser, source, depth: 1, &seen)
        {
            return found
        }
        let list = seen.map(\.description).joined(separator: ", ")
        var hints = ["choose another base, or build for one of these platforms with --platform"]
        if let near = seen.first(where: { platform.lesser?.matchRank(of: $0) != nil }) {
            hints.append("\(remedy) takes the image for \(near), which only some \(platform) machines run")
        }
        throw BuildError(
            .notFound,
            "\(source.name): no match for platform in manifest: there is no image for \(platform)",
            notes: ["available: \(list.isEmpty ? "none" : list)"],
            hints: hints
        )
    }

    /// Images only: no artifacts, no layers that can't be read (PULL-22).
    package static func checkKind(of manifest: ImageManifest, named name: String) throws(BuildError) {
        guard manifest.config.mediaType.isImageConfig || manifest.config.mediaType.rawValue.isEmpty else {
            throw BuildError(
                "\(name) is no image: its config is of type \(manifest.config.mediaType)",
                hints: ["choose an image as the base; artifacts have no root file system"]
            )
        }
        for layer in manifest.layers where !layer.mediaType.isLayer {
            let isEncrypted = layer.mediaType.rawValue.hasSuffix("+encrypted")
            throw BuildError(
                "\(name): \(isEncrypted ? "encrypted layers" : "layers of type \(layer.mediaType)") are not supported",
                notes: ["layer: \(layer.digest)"],
                hints: ["choose a base whose layers are tar archives, plain or compressed with gzip or zstd"]
            )
        }
    }

    private static func search(
        _ content: ImageGraph.Content,
        _ platform: Platform,
        _ source: any ImageSource,
        depth: Int,
        _ seen: inout [Platform]
    ) async throws -> ImageGraph.Content? {
        guard depth <= maxDepth else {
            throw BuildError("\(source.name): indexes are nested more than \(maxDepth) deep")
        }
        let index = try ImageIndex(parsing: content.bytes, mediaType: content.descriptor.mediaType)
        let candidates: [Descriptor]
        do {
            switch try PlatformSelection.choose(from: index, for: platform) {
            case .entry(let entry): return try await descend(entry, platform, source, depth: depth, &seen)
            case .undeclared(let entries): candidates = entries
            }
        } catch let mismatch as PlatformSelection.Mismatch {
            seen += mismatch.available.filter { !seen.contains($0) }
            return nil
        }
        for entry in candidates {
            if entry.mediaType.isIndex {
                if let found = try await descend(entry, platform, source, depth: depth, &seen) { return found }
                continue
            }
            let bytes = try await source.manifest(entry)
            let manifest = try ImageManifest(parsing: bytes, mediaType: entry.mediaType)
            guard manifest.config.mediaType.isImageConfig else { continue }
            let config = try ImageConfig(parsing: try await source.blob(manifest.config, limit: configLimit))
            if platform.matchRank(of: config.platform) != nil {
                return ImageGraph.Content(descriptor: entry, bytes: bytes)
            }
            if !seen.contains(config.platform.normalized) { seen.append(config.platform.normalized) }
        }
        return nil
    }

    private static func descend(
        _ entry: Descriptor,
        _ platform: Platform,
        _ source: any ImageSource,
        depth: Int,
        _ seen: inout [Platform]
    ) async throws -> ImageGraph.Content? {
        let content = ImageGraph.Content(descriptor: entry, bytes: try await source.manifest(entry))
        guard entry.mediaType.isIndex else { return content }
        return try await search(content, platform, source, depth: depth + 1, &seen)
    }
}
