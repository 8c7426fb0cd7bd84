import ImgChecks
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport

/// Finds programs that were copied, byte for byte the same, into images for different processors.
///
/// One of them is wrong, and the other may be right by luck. Platforms that share a layer share its files, so nothing is
/// read for this.
struct IdenticalExecutables: Sendable {
    let request: BuildRequest

    /// The layers that one platform's steps made.
    typealias OwnLayers = [(layer: BuiltLayer, spec: LayerSpec, step: Step)]

    /// One warning for each layer that holds such programs, in the order of the first platform's steps.
    func findings(_ platforms: [(platform: Platform, own: OwnLayers)]) -> [Diagnostic] {
        guard request.platformCheck != .off else { return [] }
        var holders: [Digest: [Platform]] = [:]
        var order: [(digest: Digest, notes: [[UInt8]: [UInt8]], step: Step)] = []
        for (platform, own) in platforms {
            for (layer, _, step) in own {
                let digest = layer.descriptor.digest
                if holders[digest] == nil { order.append((digest, layer.notes, step)) }
                if holders[digest]?.contains(platform) != true { holders[digest, default: []].append(platform) }
            }
        }
        return order.compactMap { digest, notes, step in
            let sharers = holders[digest] ?? []
            guard Set(sharers.map(\.architecture)).count > 1 else { return nil }
            return finding(programs(notes), sharers, step)
        }
    }

    private func programs(_ notes: [[UInt8]: [UInt8]]) -> [String] {
        notes.filter { path, note in
            guard case .elf(_, let kind)? = ExecutableFacts(decoding: note)?.format else { return false }
            return kind != .other && !ImageChecks.isExcepted(path, request.platformCheckExceptions)
        }
        .keys.sorted { $0.lexicographicallyPrecedes($1) }
        .map { "/" + String(decoding: $0, as: UTF8.self) }
    }

    private func finding(_ programs: [String], _ platforms: [Platform], _ step: Step) -> Diagnostic? {
        guard let first = programs.first else { return nil }
        let names = platforms.map(\.description).joined(separator: ", ")
        let others = programs.count > 1 ? " and \(programs.count - 1) more" : ""
        return CheckRule.identicalExecutables.finding(
            .warning,
            "\(first)\(others): the same program for \(names)",
            path: first,
            at: step.range,
            remedy: "copy what was built for each platform: ARG TARGETARCH, then COPY bin/${TARGETARCH}/… in this stage"
        )
    }
}
