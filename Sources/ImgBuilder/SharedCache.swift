import ImgExport
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgTree

/// What other machines have built, read from the places of `--cache-from`.
///
/// Whoever may write there decides what is in the layers; digests only protect against damage on the way.
struct SharedCache: Sendable {
    /// One place that could be read.
    private struct Part: Sendable {
        var source: any ImageSource
        var document: CacheDocument
        /// Everything that the artifact holds.
        var blobs: Set<Digest>
    }

    private let parts: [Part]

    /// Reads every place; one that cannot be read costs a warning, not the build.
    static func load(_ places: [CachePlace], _ sources: ImageSources, _ events: any EventSink) async -> SharedCache? {
        guard !places.isEmpty else { return nil }
        let parts = await withTaskGroup(of: (Int, Part?).self) { group in
            for (number, place) in places.enumerated() {
                group.addTask { (number, await part(place, sources, events)) }
            }
            var found: [Int: Part] = [:]
            for await (number, part) in group { found[number] = part }
            return found.sorted { $0.key < $1.key }.map(\.value)
        }
        return parts.isEmpty ? nil : SharedCache(parts: parts)
    }

    private static func part(
        _ place: CachePlace,
        _ sources: ImageSources,
        _ events: any EventSink
    ) async -> Part? {
        do {
            return try await read(sources.open(place.baseSource))
        } catch {
            let failure = BuildError(describing: error)
            if failure.code == .notFound {
                // As on every first run.
                events.emit(.note("no cache at \(place) yet"))
            } else if failure.code != .interrupted {
                let reason = failure.diagnostics.first?.message ?? ""
                events.emit(.warning(Diagnostic(.warning, "building without the cache of \(place): \(reason)")))
            }
            return nil
        }
    }

    private static func read(_ source: any ImageSource) async throws -> Part {
        guard let manifest = manifest(try await source.resolve()), let blob = manifest.layers.first,
            blob.mediaType == CacheDocument.mediaType
        else { throw BuildError("what is there is not a cache of imgbuild") }
        guard let document = CacheDocument(decoding: try await source.blob(blob, limit: CacheDocument.limit)) else {
            throw BuildError("its document \(blob.digest) cannot be read")
        }
        return Part(source: source, document: document, blobs: Set(manifest.layers.map(\.digest)))
    }

    /// The manifest of a cache; nil for everything else.
    static func manifest(_ root: ImageGraph.Content) -> ImageManifest? {
        guard root.descriptor.mediaType.isManifest,
            let manifest = try? ImageManifest(parsing: root.bytes, mediaType: root.descriptor.mediaType),
            manifest.artifactType == CacheDocument.artifactType
        else { return nil }
        return manifest
    }

    // MARK: - Layers

    /// - Parameter acceptsOtherTimes: Whether layers count that differ in the times of their files only.
    func layers(acceptsOtherTimes: Bool) -> SharedLayers {
        let entries = parts.flatMap { part in part.document.layers.filter { part.blobs.contains($0.descriptor.digest) }
        }
        return SharedLayers(
            catalog: LayerCatalog(entries),
            acceptsOtherTimes: acceptsOtherTimes,
            holds: { descriptor in
                for part in parts where part.blobs.contains(descriptor.digest) {
                    if await part.source.holds(descriptor) { return true }
                }
                return false
            }
        )
    }

    /// Where a layer's bytes are.
    func origin(of layer: Digest) -> BlobOrigin? {
        parts.first { $0.blobs.contains(layer) }.map { .source($0.source) }
    }

    // MARK: - Base layers

    /// The path index of a base layer; nil when no place has a good one.
    func tree(of layer: Digest) async -> LayerIndex? {
        for part in parts {
            guard let blob = part.document.trees[layer], blob.mediaType == CacheDocument.treeType,
                part.blobs.contains(blob.digest),
                let bytes = try? await part.source.blob(blob, limit: CacheDocument.limit),
                let index = try? LayerIndex(decoding: bytes)
            else { continue }
            return index
        }
        return nil
    }
}
