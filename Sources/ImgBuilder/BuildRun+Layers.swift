import ImgExport
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTasks

/// From resolved steps to finished layers, each on its way to the registries as early as the checks allow.
extension BuildRun {
    /// A layer in the store or at its source.
    struct FinishedLayer: Sendable {
        var blob: Blob
        var diffID: Digest
        /// Nil for a layer of the base.
        var own: ImageChecks.OwnLayer?
        /// About the files in it.
        var findings: [Diagnostic] = []
    }

    /// One platform with every layer in the store or at its source.
    struct BuiltPlatform: Sendable {
        var resolved: ResolvedPlatform
        /// As `resolved.stage.layers`.
        var layers: [FinishedLayer]
    }

    /// A layer's place: number of the platform, number among its layers.
    struct Place: Hashable {
        var platform: Int
        var layer: Int
    }

    /// One piece of work for all places that want the same layer.
    private struct Work: Sendable {
        var order: LayerBuilder.Order
        var places: [(place: Place, platform: Platform, spec: LayerSpec, step: Step)]
    }

    /// Looks every layer up in the cache; only for those that are not there, what lies in base layers is fetched, for all
    /// platforms at once.
    private func order(
        _ platforms: [ResolvedPlatform],
        _ builder: LayerBuilder,
        _ baseLayers: BaseLayers
    ) async throws -> [Work] {
        var orders = try await orders(platforms, builder)
        let missing = orders.filter { $0.value.found == nil && !$0.value.spec.contentsInLayers.isEmpty }.map(\.key)
        let fetched = try await baseLayers.materialize(missing.compactMap { orders[$0]?.spec })
        for (place, spec) in zip(missing, fetched) { orders[place]?.spec = spec }
        return Self.grouped(orders, platforms)
    }

    /// What the caches know of every layer.
    func orders(_ platforms: [ResolvedPlatform], _ builder: LayerBuilder) async throws -> [Place: LayerBuilder.Order] {
        try await withThrowingTaskGroup(of: (Place, LayerBuilder.Order).self) { group in
            for (number, platform) in platforms.enumerated() {
                for (layer, content) in platform.stage.layers.enumerated() {
                    guard case .own(let spec, _) = content else { continue }
                    group.addTask { (Place(platform: number, layer: layer), try await builder.order(spec)) }
                }
            }
            var orders: [Place: LayerBuilder.Order] = [:]
            for try await (place, order) in group { orders[place] = order }
            return orders
        }
    }

    private static func grouped(_ orders: [Place: LayerBuilder.Order], _ platforms: [ResolvedPlatform]) -> [Work] {
        var works: [Work] = []
        var numbers: [String: Int] = [:]
        for (number, platform) in platforms.enumerated() {
            for (layer, content) in platform.stage.layers.enumerated() {
                let place = Place(platform: number, layer: layer)
                guard case .own(let spec, let step) = content, let order = orders[place] else { continue }
                let member = (place: place, platform: platform.platform, spec: spec, step: step)
                if let known = numbers[order.name] {
                    works[known].places.append(member)
                } else {
                    numbers[order.name] = works.count
                    works.append(Work(order: order, places: [member]))
                }
            }
        }
        return works
    }

    /// Makes every layer, and sends it as early as the checks allow.
    func buildLayers(_ ready: Ready, _ builder: LayerBuilder, _ checks: ImageChecks) async throws -> [BuiltPlatform] {
        let (platforms, targets) = (ready.platforms, ready.publisher.targets)
        let converted = try await convertedBases(platforms, ready.baseLayers)
        let works = try await order(platforms, builder, ready.baseLayers)
        // Whether the image starts is known only when all of its layers are.
        let gate = UploadGate(waits: checks.policy.startCheck == .error)
        return try await withThrowingTaskGroup(of: [Place: FinishedLayer]?.self) { group in
            func blob(_ location: BaseLayers.Location) -> Blob {
                converted[location.descriptor.digest]
                    ?? Blob(descriptor: location.descriptor, origin: .source(location.source))
            }
            for blob in platforms.flatMap(\.stage.baseLocations).map(blob) {
                group.addTask {
                    try await targets.prepare(blob)
                    return nil
                }
            }
            // What is quickly made shows soon enough whether it may be sent.
            if works.contains(where: { $0.order.found == nil && $0.order.spec.contentSize >= 16 << 20 }) {
                group.addTask {
                    try await targets.askForPermission()
                    return nil
                }
            }
            for work in works {
                group.addTask {
                    let total = work.order.spec.contentSize
                    let (layer, early) = try await work.order.done.watched {
                        report(.building(done: $0, of: total), work)
                    } during: {
                        try await build(work, builder, targets, checks, gate)
                    }
                    let finished = finish(layer, try Self.origin(of: layer, ready.shared), work, checks)
                    if finished.values.contains(where: { checks.rejects($0.findings) }) { gate.reject() }
                    if let blob = finished.values.first?.blob, gate.isOpen {
                        try await targets.prepare(blob, continuing: early)
                    } else {
                        await targets.giveUp(early)
                    }
                    return finished
                }
            }
            var built: [Place: FinishedLayer] = [:]
            var remaining = works.count
            for try await finished in group {
                guard let finished else { continue }
                built.merge(finished) { first, _ in first }
                remaining -= 1
                // Nothing will be published: whatever of the bases is still under way is not waited for.
                if remaining == 0, gate.hasRejected {
                    group.cancelAll()
                    break
                }
            }
            return platforms.enumerated()
                .map { number, platform in
                    BuiltPlatform(
                        resolved: platform,
                        layers: platform.stage.layers.enumerated()
                            .compactMap { layer, content in
                                switch content {
                                case .base(let location):
                                    FinishedLayer(blob: blob(location), diffID: location.diffID)
                                case .own: built[Place(platform: number, layer: layer)]
                                }
                            }
                    )
                }
        }
    }

    /// Makes a layer, and sends it meanwhile to repositories that are not likely to have it.
    private func build(
        _ work: Work,
        _ builder: LayerBuilder,
        _ targets: PushTargets,
        _ checks: ImageChecks,
        _ gate: UploadGate
    ) async throws -> (BuiltLayer, PushTargets.EarlyUploads) {
        guard work.order.found == nil, gate.isOpen, targets.sendsEarly else {
            return (try await builder.build(work.order), [:])
        }
        let watch = LayerWatch { path, note in
            guard checks.policy.isAnyFileRejected, gate.isOpen else { return }
            let isRejected = work.places.contains { member in
                checks.rejects(checks.layerFindings(member.platform, [path: note], member.spec, member.step))
            }
            if isRejected { gate.reject() }
        }
        async let early = targets.begin(watch.file) { gate.isOpen }
        let layer = try await builder.build(work.order, watch: watch)
        return (layer, await early)
    }

    /// A layer at each of its places, looked at for each platform before it can become a blob.
    private func finish(
        _ layer: BuiltLayer,
        _ origin: BlobOrigin,
        _ work: Work,
        _ checks: ImageChecks
    ) -> [Place: FinishedLayer] {
        let blob = Blob(descriptor: layer.descriptor, origin: origin)
        var finished: [Place: FinishedLayer] = [:]
        report(layer.wasCached ? .cached : .built(size: layer.descriptor.size), work)
        for (place, platform, spec, step) in work.places {
            let own = (layer: layer, spec: spec, step: step)
            finished[place] = FinishedLayer(
                blob: blob,
                diffID: layer.diffID,
                own: own,
                findings: checks.layerFindings(platform, layer.notes, spec, step)
            )
        }
        return finished
    }

    /// Says it once for the platforms whose step reads the same.
    private func report(_ state: StepEvent.State, _ work: Work) {
        var platforms: [String: [Platform]] = [:]
        for place in work.places { platforms[place.step.createdBy, default: []].append(place.platform) }
        for place in work.places where !place.step.createdBy.isEmpty {
            guard let shared = platforms.removeValue(forKey: place.step.createdBy) else { continue }
            events.emit(.step(StepEvent(title: place.step.createdBy, platforms: shared, state: state)))
        }
    }
}
