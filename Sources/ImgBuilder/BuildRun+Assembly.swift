import ImgExport
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport

/// From finished layers to images: configuration, manifest, and the checks that need the whole.
extension BuildRun {
    /// - Throws: What the checks refuse, before anything is published.
    func finish(
        _ planned: Planned,
        _ platforms: [BuiltPlatform],
        _ checks: ImageChecks
    ) async throws -> [FinishedImage] {
        let assembler = Assembler(usesDockerTypes: request.usesDockerMediaTypes, annotations: request.annotations)
        var images: [FinishedImage] = []
        for platform in platforms {
            let own = platform.layers.compactMap(\.own)
            let found = platform.layers.flatMap(\.findings)
            let start = try await checks.startFindings(
                platform: platform.resolved.platform,
                config: platform.resolved.stage.plan.config,
                files: StageFiles(
                    tree: platform.resolved.stage.tree,
                    own: own.map(\.layer.notes),
                    pool: pool
                ),
                known: found
            )
            images.append(
                FinishedImage(
                    platform: platform.resolved.platform,
                    image: assembler.image(
                        Assembler.Parts(
                            platform: platform.resolved.platform,
                            config: config(planned, platform),
                            layers: platform.layers.map(\.blob)
                        )
                    ),
                    baseLayerCount: platform.layers.count { $0.own == nil },
                    findings: found + start,
                    isChecked: checks.policy.isAnyOn
                )
            )
        }
        try checks.enforce(images.map { ($0.platform, $0.findings) }, events: events)
        return images
    }

    private func config(_ planned: Planned, _ platform: BuiltPlatform) -> ImageConfig {
        var config = platform.resolved.stage.plan.config
        config.diffIDs = platform.layers.map(\.diffID)
        var times =
            platform.layers
            .compactMap { layer in
                // A layer of other times brings its own, or the same files would give another image on each machine.
                layer.own.map { $0.layer.shared?.newestSourceTime ?? $0.spec.newestSourceTime }
            }[...]
        let steps = platform.resolved.stage.history.map { step in
            (step: step, created: step.emptyLayer ? nil : (times.popFirst() ?? nil))
        }
        config.history = History.assemble(
            base: config.history,
            baseLayers: platform.layers.count { $0.own == nil },
            steps: steps,
            epoch: planned.epoch.map { Timestamp(seconds: $0) }
        )
        config.created = config.history.last { $0.created != nil }?.created
        return config
    }
}

/// One platform's image with what was found about it.
struct FinishedImage: Sendable {
    var platform: Platform
    var image: ImageGraph.Image
    var baseLayerCount: Int
    var findings: [Diagnostic]
    var isChecked: Bool
}
