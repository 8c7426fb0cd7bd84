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
    /// One per repository, in the order of the tags.
    private var repositories: [(exporter: RegistryExporter, tags: [ImageReference])]

    init(request: BuildRequest, session: BuildSession, cache: DocumentCache) {
        self.request = request
        self.session = session
        var groups: [(name: String, tags: [ImageReference], isByDigest: Bool)] = []
        func add(_ reference: ImageReference, isByDigest: Bool) {
            if let place = groups.firstIndex(where: { $0.name == reference.repository && $0.isByDigest == isByDigest })
            {
                if !groups[place].tags.contains(reference) { groups[place].tags.append(reference) }
            } else {
                groups.append((reference.repository, [reference], isByDigest))
            }
        }
        for output in request.outputs {
            switch output {
            case .registry: for tag in request.tags { add(tag, isByDigest: false) }
            case .registryByDigest(let reference): add(reference, isByDigest: true)
            case .layout, .dockerArchive, .dockerDaemon, .nothing: break
            }
        }
        repositories = groups.map { group in
            let exporter = RegistryExporter(
                group.tags[0],
                tags: group.isByDigest ? [] : group.tags.map(\.tagOrLatest),
                client: session.registry,
                cache: cache,
                pool: session.pool
            )
            return (exporter, group.isByDigest ? [] : group.tags)
        }
    }

    /// Asks every repository whether it can be pushed to, and what it has of the last push for these platforms.
    func probed(for platforms: [Platform]) async throws -> Publisher {
        let platforms = Set(platforms.map(\.normalized))
        let isWanted: @Sendable (Descriptor) -> Bool = { entry in
            entry.platform.map { platforms.contains($0.normalized) } ?? false
        }
        // Who wants every blob checked relies on no manifest.
        let isRelying = request.verification != .blobs
        let probed = try await withThrowingTaskGroup(of: (Int, RegistryExporter).self) { group in
            for (place, repository) in repositories.enumerated() {
                group.addTask { (place, try await repository.exporter.probed(isRelying: isRelying, isWanted)) }
            }
            var probed: [Int: RegistryExporter] = [:]
            for try await (place, exporter) in group { probed[place] = exporter }
            return probed
        }
        var copy = self
        for (place, exporter) in probed { copy.repositories[place].exporter = exporter }
        return copy
    }

    // MARK: Forecast

    var repositoryNames: [String] { repositories.map(\.exporter.name) }

    /// How a layer gets to each repository; one that has yet to be made is sent.
    func forecast(_ blob: Blob?) async throws -> [BuildForecast.Transfer] {
        guard let blob else { return repositories.map { _ in .upload } }
        var transfers: [BuildForecast.Transfer] = []
        for repository in repositories {
            switch try await repository.exporter.forecast(blob) {
            case .existed: transfers.append(.exists)
            case .mounted(let source): transfers.append(.mount(from: source))
            case .uploaded: transfers.append(.upload)
            }
        }
        return transfers
    }

    /// What the tags point to.
    func currentTags() async throws -> [BuildForecast.Tag] {
        var tags: [BuildForecast.Tag] = []
        for repository in repositories {
            for tag in repository.tags {
                let current = try await repository.exporter.current(tag.tagOrLatest)
                tags.append(BuildForecast.Tag(reference: tag, current: current))
            }
        }
        return tags
    }

    /// Layers that began to be sent before they were whole, by the number of the repository.
    typealias EarlyUploads = [Int: EarlyUpload]

    /// Where layers are sent while they are made: one repository of a host, from which others mount them.
    private var early: [(place: Int, exporter: RegistryExporter)] {
        var hosts: Set<String> = []
        return repositories.enumerated()
            .compactMap { place, repository in
                let exporter = repository.exporter
                return exporter.sendsEarly && hosts.insert(exporter.host).inserted ? (place, exporter) : nil
            }
    }

    var sendsEarly: Bool { !early.isEmpty }

    /// Sends a layer while it is made; ends soon after the layer's end.
    /// - Parameter isWanted: Asked again and again.
    func begin(_ file: GrowingFile, while isWanted: @escaping @Sendable () -> Bool) async -> EarlyUploads {
        await withTaskGroup(of: (Int, EarlyUpload?).self) { group in
            for (place, exporter) in early {
                group.addTask { (place, await exporter.pushEarly(file, while: isWanted)) }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    /// Lets registries forget layers that are not wanted after all.
    func giveUp(_ uploads: EarlyUploads) async {
        for (place, upload) in uploads { await repositories[place].exporter.giveUp(upload) }
    }

    /// Starts on a blob that is ready while others are still being made.
    func prepare(_ blob: Blob, continuing early: EarlyUploads = [:]) async throws {
        for (place, repository) in repositories.enumerated() {
            try await repository.exporter.push(blob, continuing: early[place])
        }
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
        try await withThrowingTaskGroup(of: Void.self) { group in
            for repository in repositories { group.addTask { try await repository.exporter.pushContent(graph) } }
            try await group.waitForAll()
        }
        if request.verification != .off {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for repository in repositories {
                    group.addTask { try await repository.exporter.verify(graph, blobs: request.verification == .blobs) }
                }
                try await group.waitForAll()
            }
        }
        var pushed: [ImageReference] = []
        for repository in repositories {
            do {
                try await repository.exporter.tag(graph)
            } catch {
                var failure = BuildError(describing: error)
                if !pushed.isEmpty {
                    failure.diagnostics[0].notes
                        .append("already pushed: \(pushed.map(\.familiar).joined(separator: ", "))")
                }
                throw failure
            }
            pushed += repository.tags
        }
        return BuildResult(
            root: root.descriptor,
            images: images.map { image in
                BuiltImage(
                    platform: image.platform,
                    manifest: image.image.manifest.descriptor,
                    config: image.image.config.descriptor,
                    layers: image.image.layers.map(\.descriptor),
                    baseLayerCount: image.baseLayerCount,
                    findings: image.findings
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
