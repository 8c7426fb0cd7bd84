import ImgExport
import ImgLayers
import ImgOCI
import ImgReport
import ImgStream

/// What a build takes from the caches that machines share, and brings to them.
extension BuildRun {
    func layerBuilder(_ planned: Planned, _ shared: SharedCache?) async throws -> LayerBuilder {
        LayerBuilder(
            store: try await session.store(),
            pool: pool,
            settings: try compressionSettings(),
            usesCache: request.usesCache,
            workers: session.workers,
            now: .now,
            inspector: CopyInspector(),
            // Who fixes the times wants them exactly so.
            shared: shared?.layers(acceptsOtherTimes: planned.epoch == nil),
            isExporting: !request.cacheTargets.isEmpty
        )
    }

    static func origin(of layer: BuiltLayer, _ shared: SharedCache?) throws -> BlobOrigin {
        if let path = layer.path { return .file(path: path) }
        guard let origin = shared?.origin(of: layer.descriptor.digest) else {
            throw BuildError("layer \(layer.descriptor.digest) is in no cache any more", hints: ["try again"])
        }
        return origin
    }

    func exportCache(_ platforms: [BuiltPlatform], _ baseLayers: BaseLayers, _ builder: LayerBuilder) async throws {
        guard !request.cacheTargets.isEmpty else { return }
        var layers: [SharedCacheExport.Layer] = []
        for layer in platforms.flatMap(\.layers) {
            guard let own = layer.own, !layers.contains(where: { $0.entry.descriptor == own.layer.descriptor }) else {
                continue
            }
            let entry = try await builder.catalogEntry(of: own.layer, own.spec)
            layers.append(SharedCacheExport.Layer(entry: entry, origin: layer.blob.origin))
        }
        try await SharedCacheExport(session: session, layers: layers, trees: try await baseLayers.encodedIndexes())
            .export(to: request.cacheTargets)
    }
}
