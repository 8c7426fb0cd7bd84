import ImgChecks
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport

/// Finds programs that were copied, one and the same, into images for different processors.
///
/// One of them is wrong, and the other may be right by luck. Files are told apart by what was noted when their layers were
/// made (``ExecutableFacts/fingerprint``), so nothing is read for this.
struct IdenticalExecutables: Sendable {
    let policy: CheckPolicy

    /// The layers that one platform's steps made.
    typealias OwnLayers = [ImageChecks.OwnLayer]

    /// Where one program is.
    private struct Program {
        /// The step that copied it in the first platform that has it.
        var step: Int
        var path: [UInt8]
        var platforms: [Platform]
    }

    /// One warning for each instruction that copies such programs, in the order of the steps.
    func findings(_ platforms: [(platform: Platform, own: OwnLayers)]) -> [Diagnostic] {
        guard policy.platformCheck != .off, Set(platforms.map(\.platform.architecture)).count > 1 else { return [] }
        let suspects = platforms.reduce(into: Set<String>()) { names, image in
            let check = ArchitectureCheck(platform: image.platform)
            for layer in image.own { names.formUnion(self.programs(layer) { check.isSuspect($0) }.map(\.name)) }
        }
        guard !suspects.isEmpty else { return [] }
        var steps: [Step] = []
        var programs: [String: Program] = [:]
        for (platform, own) in platforms {
            for layer in own {
                let found = self.programs(layer) { _ in true }.filter { suspects.contains($0.name) }
                for (path, name) in found.sorted(by: { $0.path.lexicographicallyPrecedes($1.path) }) {
                    var program = programs[name] ?? Program(step: steps.count, path: path, platforms: [])
                    if !program.platforms.contains(platform) { program.platforms.append(platform) }
                    programs[name] = program
                }
                steps.append(layer.step)
            }
        }
        let shared = programs.values.filter { Set($0.platforms.map(\.architecture)).count > 1 }
        return Dictionary(grouping: shared, by: \.step).sorted { $0.key < $1.key }
            .compactMap { step, programs in
                finding(programs.sorted { $0.path.lexicographicallyPrecedes($1.path) }, steps[step])
            }
    }

    /// Paths of a layer's programs, each with a name that only equal files share.
    private func programs(
        _ own: ImageChecks.OwnLayer,
        where isWanted: (BinaryFormat) -> Bool
    ) -> [(path: [UInt8], name: String)] {
        own.layer.notes.compactMap { path, note in
            guard let format = ExecutableFacts.format(decoding: note), isWanted(format),
                ArchitectureCheck.isBound(format, at: path), !policy.platformExceptions.contain(path),
                let print = ExecutableFacts(decoding: note)?.fingerprint
            else { return nil }
            return (path, print)
        }
    }

    private func finding(_ programs: [Program], _ step: Step) -> Diagnostic? {
        guard let first = programs.first else { return nil }
        let path = "/" + String(decoding: first.path, as: UTF8.self)
        let names = first.platforms.map(\.description).joined(separator: ", ")
        let others = programs.count > 1 ? " and \(programs.count - 1) more" : ""
        return CheckRule.identicalExecutables.finding(
            .warning,
            "\(path)\(others): the same program for \(names)",
            path: path,
            at: step.range,
            remedy: "copy what was built for each platform: ARG TARGETARCH, then COPY bin/${TARGETARCH}/… in this stage"
        )
    }
}
