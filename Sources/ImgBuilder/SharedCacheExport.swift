import ImgExport
import ImgLayers
import ImgOCI
import ImgReport
import ImgStream

/// Brings what a build has made to the places of `--cache-to`.
struct SharedCacheExport: Sendable {
    let session: BuildSession
    let layers: [Layer]
    /// Encoded path indexes by base layer.
    let trees: [Digest: [UInt8]]

    /// A layer of the build with what other machines need to find it.
    struct Layer: Sendable {
        var entry: LayerCatalog.Entry
        var origin: BlobOrigin
    }

    /// Writes every place; the image has been published by then, and a failure says so.
    func export(to targets: [CacheTarget]) async throws {
        let graph = graph()
        for target in targets {
            do {
                try await write(graph, to: target.place)
                session.events.emit(.note("cache written to \(target.place)"))
            } catch {
                var failure = BuildError(describing: error)
                guard target.ignoresErrors, failure.code != .interrupted else {
                    failure.diagnostics[0].notes.append("while writing the cache; the image itself is published")
                    throw failure
                }
                let reason = failure.diagnostics[0].message
                session.events.emit(.warning(Diagnostic(.warning, "cannot write the cache \(target.place): \(reason)")))
            }
        }
    }

    private func write(_ graph: ImageGraph, to place: CachePlace) async throws {
        switch place {
        case .registry(let reference):
            try await refuseImage(at: reference)
            let exporter = RegistryExporter(
                reference,
                tags: [reference.tagOrLatest],
                client: session.registry,
                pool: session.pool
            )
            try await exporter.pushContent(graph)
            try await exporter.tag(graph, as: reference.tagOrLatest)
        case .local(let path):
            let exporter = LayoutExporter(
                path: session.environment.absolute(path),
                names: [],
                pool: session.pool
            )
            try await exporter.export(graph)
        }
    }

    /// A tag that points to an image is not replaced by a cache.
    private func refuseImage(at reference: ImageReference) async throws {
        let root: ImageGraph.Content
        do {
            root = try await RegistrySource(reference.tagged, client: session.registry)
                .resolve()
        } catch {
            guard BuildError(describing: error).code == .notFound else { throw error }
            return
        }
        guard SharedCache.manifest(root) == nil else { return }
        throw BuildError(
            "\(reference.familiar) is something else than a cache of imgbuild, and was left as it is",
            hints: ["give the cache a tag of its own, e.g. ref=\(reference.repository):cache"]
        )
    }

    /// An artifact: the document first, then the layers, then the path indexes.
    private func graph() -> ImageGraph {
        var document = CacheDocument()
        document.layers = layers.map(\.entry)
        var blobs = layers.map { Blob(descriptor: $0.entry.descriptor, origin: $0.origin) }
        for (layer, bytes) in trees.sorted(by: { $0.key.description < $1.key.description }) {
            let blob = Self.blob(bytes, CacheDocument.treeType)
            document.trees[layer] = blob.descriptor
            blobs.append(blob)
        }
        let config = Self.blob(Array("{}".utf8), .ociEmpty)
        let all = [Self.blob(document.encoded, CacheDocument.mediaType)] + blobs
        let manifest = ImageManifest(
            artifactType: CacheDocument.artifactType,
            config: config.descriptor,
            layers: all.map(\.descriptor)
        )
        let bytes = manifest.encoded()
        let descriptor = Descriptor(
            mediaType: manifest.mediaType,
            digest: SHA256.digest(of: bytes),
            size: Int64(bytes.count)
        )
        let content = ImageGraph.Content(descriptor: descriptor, bytes: bytes)
        return ImageGraph(
            images: [ImageGraph.Image(platform: nil, manifest: content, config: config, layers: all)],
            index: nil
        )
    }

    private static func blob(_ bytes: [UInt8], _ type: MediaType) -> Blob {
        let descriptor = Descriptor(mediaType: type, digest: SHA256.digest(of: bytes), size: Int64(bytes.count))
        return Blob(descriptor: descriptor, origin: .bytes(bytes))
    }
}
