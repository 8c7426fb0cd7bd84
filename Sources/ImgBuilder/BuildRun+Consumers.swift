import ImgChecks
import ImgOCI
import ImgPlan
import ImgReport
import ImgTree

/// What the consumers of an image will say about it, asked before it is made.
extension BuildRun {
    func consumerFindings(
        _ consumers: [Consumer],
        _ planned: Planned,
        _ platforms: [ResolvedPlatform],
        _ baseLayers: BaseLayers
    ) async throws -> [Diagnostic] {
        guard !consumers.isEmpty else { return [] }
        let types = DocumentTypes(usesDocker: request.usesDockerMediaTypes)
        var images: [ConsumerCheck.Image] = []
        for platform in platforms { images.append(try await outlook(platform, types, baseLayers)) }
        let index = images.count > 1 || request.forcesIndex ? types.index : nil
        return consumers.flatMap { ConsumerCheck(consumer: $0, index: index, images: images).findings() }
    }

    /// What is known of an image before its layers are built; of base layers only what costs no download.
    private func outlook(
        _ platform: ResolvedPlatform,
        _ types: DocumentTypes,
        _ baseLayers: BaseLayers
    ) async throws -> ConsumerCheck.Image {
        var layers: [MediaType] = []
        var orphans: [Int: String] = [:]
        var baseCount = 0
        for (place, layer) in platform.stage.layers.enumerated() {
            switch layer {
            case .base(let location):
                baseCount += 1
                let type = location.descriptor.mediaType
                let isConverted = request.compression.isForced && !type.isForeignLayer
                layers.append(types.layer(isConverted ? .ociLayer(request.compression.format) : type))
                let orphan = try await baseLayers.knownIndex(of: location.descriptor.digest)?.orphan
                orphans[place] = orphan.map { "/" + String(decoding: $0, as: UTF8.self) }
            case .own: layers.append(types.layer(.ociLayer(request.compression.format)))
            }
        }
        let history = History.assemble(
            base: platform.stage.plan.config.history,
            baseLayers: baseCount,
            steps: platform.stage.history.map { (step: $0, created: nil) },
            epoch: nil
        )
        return ConsumerCheck.Image(
            platform: platform.platform,
            manifest: types.manifest,
            config: types.config,
            layers: layers,
            historyCount: history.count { !$0.emptyLayer },
            orphans: orphans
        )
    }
}
