import ImgExport
import ImgOCI
import ImgRegistry
import ImgReport
import ImgStream
import ImgTasks

/// Brings the result to everything the request names: repositories, layouts, archives.
struct Publisher: Sendable {
    private let request: BuildRequest
    private let session: BuildSession
    private(set) var targets: PushTargets

    init(request: BuildRequest, session: BuildSession, cache: DocumentCache) {
        self.request = request
        self.session = session
        var digests: [ImageReference] = []
        for case .registryByDigest(let reference) in request.outputs
        where !digests.contains(where: { $0.repository == reference.repository }) { digests.append(reference) }
        targets = PushTargets(
            tags: request.outputs.contains(.registry) ? request.tags : [],
            digests: digests,
            verification: request.verification,
            session: session,
            cache: cache
        )
    }

    /// Asks every repository whether it can be pushed to, and what it has of the last push for these platforms.
    func probed(for platforms: [Platform]) async throws -> Publisher {
        let platforms = Set(platforms.map(\.normalized))
        var copy = self
        copy.targets = try await targets.probed { entry in
            entry.platform.map { platforms.contains($0.normalized) } ?? false
        }
        return copy
    }

    /// Writes and pushes the finished images; tags move last, when everything is in place everywhere (PUSH-2).
    func publish(_ images: [FinishedImage], warnings: [Diagnostic]) async throws -> BuildResult {
        let assembler = Assembler(usesDockerTypes: request.usesDockerMediaTypes, annotations: request.annotations)
        let graph = ImageGraph(
            images: images.map(\.image),
            index: assembler.index(images.map(\.image), isForced: request.forcesIndex)
        )
        guard let root = graph.root else { throw BuildError("there is no platform to build for") }
        try await writeFiles(graph)
        let pushed = try await targets.push(graph)
        return BuildResult(
            root: root.descriptor,
            images: images.map { image in
                BuiltImage(
                    platform: image.platform,
                    manifest: image.image.manifest.descriptor,
                    config: image.image.config.descriptor,
                    layers: image.image.layers.map(\.descriptor),
                    baseLayerCount: image.baseLayerCount,
                    findings: image.findings,
                    isChecked: image.isChecked
                )
            },
            pushed: pushed,
            names: names,
            warnings: warnings
        )
    }

    /// The tags, and what is pushed by digest alone.
    private var names: [ImageReference] {
        request.outputs.reduce(into: request.tags) { names, output in
            if case .registryByDigest(let reference) = output, !names.contains(reference) { names.append(reference) }
        }
    }

    private func writeFiles(_ graph: ImageGraph) async throws {
        let environment = session.environment
        func place(_ path: String) -> String { path == "-" ? path : environment.absolute(path) }
        for output in request.outputs {
            switch output {
            case .registry, .registryByDigest, .nothing: continue
            case .layout(let path, let isTar):
                if isTar {
                    try await ArchiveExporter(
                        path: place(path),
                        form: .ociLayout,
                        names: request.tags,
                        pool: session.pool
                    )
                    .export(graph)
                } else {
                    try await LayoutExporter(path: place(path), names: request.tags, pool: session.pool).export(graph)
                }
            case .dockerArchive(let path): try await writeArchive(graph, to: place(path))
            case .dockerDaemon:
                let archive = try await session.scratch.make("load") + "/image.tar"
                try await writeArchive(graph, to: archive)
                try await DockerCommand(variables: environment.variables).load(archive: archive)
            }
        }
    }

    private func writeArchive(_ graph: ImageGraph, to path: String) async throws {
        try await ArchiveExporter(path: path, form: .docker, names: request.tags, pool: session.pool).export(graph)
    }
}
