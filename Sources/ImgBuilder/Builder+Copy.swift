import ImgExport
public import ImgOCI
import ImgRegistry
public import ImgReport

/// What was copied and where it is now.
public struct CopyResult: Sendable {
    /// The index or manifest; its digest is that of the source.
    public var root: Descriptor
    /// References that now point to it.
    public var pushed: [ImageReference]

    /// Makes it from its parts, as tests without a builder need it.
    public init(root: Descriptor, pushed: [ImageReference]) {
        self.root = root
        self.pushed = pushed
    }
}

extension Builder {
    /// Copies an image with all its platforms, byte for byte, into a repository.
    ///
    /// An archive that has no manifests, as `docker save` wrote them once, gets one, and its layers are compressed.
    /// - Parameters:
    ///   - source: A repository, a layout or an archive.
    ///   - target: A tag.
    ///   - platforms: Only these images; the result then is a new index. Empty copies everything, artifacts included.
    ///   - createsRepository: Whether a missing repository is made, where that is possible (Amazon ECR).
    public func copy(
        _ source: ImageLocation,
        to target: ImageReference,
        platforms: [Platform] = [],
        verification: Verification = .manifests,
        createsRepository: Bool = false
    ) async throws(BuildError) -> CopyResult {
        try await perform(createsRepository: createsRepository) { session in
            let graph = try await Self.graph(of: source, platforms, session)
            guard let root = graph.root else { throw BuildError(.notFound, "\(source) holds no image") }
            let listed = Set(graph.images.map(\.manifest.descriptor.digest))
            let targets = try await PushTargets(tags: [target], verification: verification, session: session)
                .probed { listed.contains($0.digest) }
            return CopyResult(root: root.descriptor, pushed: try await targets.push(graph))
        }
    }

    /// Everything of a source, or the images of some platforms under an index of their own.
    private static func graph(
        of source: ImageLocation,
        _ platforms: [Platform],
        _ session: BuildSession
    ) async throws -> ImageGraph {
        let opened = try await session.open(source)
        var graph = try await GraphReader.graph(from: opened, platforms: platforms)
        guard !platforms.isEmpty else { return graph }
        // No index says what a lone image is for.
        for (place, image) in graph.images.enumerated()
        where image.platform == nil && image.config.descriptor.mediaType.isImageConfig {
            let bytes = try await opened.blob(image.config.descriptor, limit: ImageLimits.config)
            graph.images[place].platform = try ImageConfig(parsing: bytes).platform
        }
        let missing = platforms.filter { wanted in
            !graph.images.contains { $0.platform?.normalized == wanted.normalized }
        }
        guard missing.isEmpty else {
            let list = missing.map(\.description).joined(separator: ", ")
            let root = try await opened.resolve()
            let index = try? ImageIndex(parsing: root.bytes, mediaType: root.descriptor.mediaType)
            let available = (index?.manifests.compactMap(\.platform) ?? graph.images.compactMap(\.platform))
                .map(\.description).joined(separator: ", ")
            throw BuildError(
                .notFound,
                "\(source) has no image for \(list)",
                notes: ["available: \(available.isEmpty ? "none" : available)"]
            )
        }
        let types = try DocumentTypes(of: graph.images)
        graph.index = Assembler(usesDockerTypes: types.usesDocker, annotations: [])
            .index(graph.images, isForced: false)
        return graph
    }

    /// Copies an image into an OCI layout: a directory, or a tar when `isTar`.
    ///
    /// `docker load` reads a tar of one platform, too.
    ///
    /// - Parameters:
    ///   - path: Of the directory or file.
    ///   - name: What the image is called there.
    ///   - tag: What it is called without a name; with neither it keeps what the source's layout calls it.
    ///   - platforms: As for a copy into a repository.
    public func copy(
        _ source: ImageLocation,
        toLayout path: String,
        isTar: Bool,
        name: ImageReference?,
        tag: String? = nil,
        platforms: [Platform] = []
    ) async throws(BuildError) -> CopyResult {
        try await perform { session in
            let graph = try await Self.graph(of: source, platforms, session)
            guard let root = graph.root else { throw BuildError(.notFound, "\(source) holds no image") }
            let place = path == "-" ? path : session.environment.absolute(path)
            let names = name.map { [$0] } ?? []
            if isTar {
                // Docker reads it, too, where it can: an archive holds one platform there.
                let form: ArchiveExporter.Form = graph.images.count == 1 ? .docker : .ociLayout
                try await ArchiveExporter(path: place, form: form, names: names, tag: tag, pool: session.pool)
                    .export(graph)
            } else {
                try await LayoutExporter(path: place, names: names, tag: tag, pool: session.pool).export(graph)
            }
            return CopyResult(root: root.descriptor, pushed: [])
        }
    }
}
