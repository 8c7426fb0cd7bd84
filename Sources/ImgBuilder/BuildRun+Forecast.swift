import ImgExport
import ImgLayers
import ImgOCI
import ImgPlan

/// A build up to where its layers would be made.
extension BuildRun {
    func forecast() async throws -> BuildForecast {
        let prepared = try await prepared()
        let platforms = prepared.ready.platforms
        let builder = try await layerBuilder(prepared.planned, prepared.ready.shared)
        let orders = try await orders(platforms, builder)
        var images: [BuildForecast.Image] = []
        for (number, platform) in platforms.enumerated() {
            var layers: [BuildForecast.Layer] = []
            for (place, layer) in platform.stage.layers.enumerated() {
                let order = orders[Place(platform: number, layer: place)]
                layers.append(try await forecast(layer, order, prepared.ready))
            }
            images.append(BuildForecast.Image(platform: platform.platform, layers: layers))
        }
        return BuildForecast(
            images: images,
            repositories: prepared.ready.publisher.targets.names,
            tags: try await prepared.ready.publisher.targets.currentTags(),
            warnings: prepared.warnings
        )
    }

    private func forecast(
        _ layer: StageResolver.Layer,
        _ order: LayerBuilder.Order?,
        _ ready: Ready
    ) async throws -> BuildForecast.Layer {
        var forecast: BuildForecast.Layer
        var blob: Blob?
        switch layer {
        case .base(let location):
            forecast = BuildForecast.Layer(id: "\(location.descriptor.digest)", origin: .base, transfers: [])
            if isConverted(location) {
                forecast.origin = .made(of: location.descriptor.size)
            } else {
                blob = Blob(descriptor: location.descriptor, origin: .source(location.source))
            }
        case .own(let spec, let step):
            forecast = BuildForecast.Layer(
                id: order?.name ?? "",
                step: step.createdBy,
                origin: .made(of: spec.contentSize),
                transfers: []
            )
            if let found = order?.found {
                forecast.origin = .cache
                blob = Blob(descriptor: found.descriptor, origin: try Self.origin(of: found, ready.shared))
            }
        }
        forecast.descriptor = blob?.descriptor
        forecast.transfers = try await ready.publisher.targets.forecast(blob)
        return forecast
    }
}
