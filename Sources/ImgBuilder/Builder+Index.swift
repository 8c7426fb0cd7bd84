import ImgExport
public import ImgOCI
public import ImgReport

/// An index that joins images, perhaps built on separate machines.
public struct IndexRequest: Sendable {
    /// Images or indexes; of an index, every image.
    public var sources: [ImageLocation]
    /// Where the index is pushed to; every tag gets the same index.
    public var tags: [ImageReference]
    /// Whether the images of the tag as it is now are kept where no source replaces them.
    public var appends = false
    /// Only these platforms of the sources; empty means all.
    public var platforms: [Platform] = []
    /// On the index itself.
    public var annotations: [String: String] = [:]
    /// Makes the index and pushes nothing.
    public var isDryRun = false

    /// A request that joins sources under tags.
    public init(sources: [ImageLocation], tags: [ImageReference]) {
        self.sources = sources
        self.tags = tags
    }
}

/// A joined index.
public struct IndexResult: Sendable {
    /// Of the index.
    public var descriptor: Descriptor
    /// The bytes that ``descriptor`` is the digest of.
    public var bytes: [UInt8]
    /// Entries in order.
    public var index: ImageIndex

    /// Makes it from its parts, as tests without a builder need it.
    public init(descriptor: Descriptor, bytes: [UInt8], index: ImageIndex) {
        self.descriptor = descriptor
        self.bytes = bytes
        self.index = index
    }
}

extension Builder {
    /// Joins images into one index and pushes it (`imagetools create`).
    ///
    /// Each image's own configuration must name the platform that its entry claims: an index never lies.
    public func createIndex(_ request: IndexRequest) async throws(BuildError) -> IndexResult {
        try await perform { session in
            var sources = request.sources
            if request.appends, let tag = request.tags.first { sources.insert(.registry(tag), at: 0) }
            var images: [ImageGraph.Image] = []
            for (number, location) in sources.enumerated() {
                let isBase = request.appends && number == 0
                for image in try await Self.images(of: location, session, request.platforms) {
                    // A later source replaces what the tag had; two sources for one platform are a mistake.
                    if let place = images.firstIndex(where: { $0.platform?.normalized == image.platform?.normalized }) {
                        guard request.appends, !isBase else {
                            throw BuildError(
                                .usage,
                                "\(image.platform?.description ?? "an image") comes from two sources",
                                hints: ["leave one out, or choose with --platform"]
                            )
                        }
                        images[place] = image
                    } else {
                        images.append(image)
                    }
                }
            }
            let annotations = request.annotations.sorted { $0.key < $1.key }
                .map { AnnotationRequest(level: .index, platform: nil, key: $0.key, value: $0.value) }
            let assembler = Assembler(usesDockerTypes: false, annotations: annotations)
            guard let index = assembler.index(images, isForced: true), !images.isEmpty else {
                throw BuildError(.notFound, "there is no image to join")
            }
            if !request.isDryRun {
                try await Self.push(ImageGraph(images: images, index: index), to: request.tags, session)
            }
            return IndexResult(
                descriptor: index.descriptor,
                bytes: index.bytes,
                index: try ImageIndex(parsing: index.bytes)
            )
        }
    }

    private static func images(
        of location: ImageLocation,
        _ session: BuildSession,
        _ platforms: [Platform]
    ) async throws -> [ImageGraph.Image] {
        let source = try await session.open(location)
        var images = try await GraphReader.graph(from: source).images
        for place in images.indices {
            guard images[place].config.descriptor.mediaType.isImageConfig else { continue }
            let bytes = try await source.blob(images[place].config.descriptor, limit: ImageLimits.config)
            let found = try ImageConfig(parsing: bytes).platform.normalized
            if let claimed = images[place].platform, claimed.normalized != found {
                throw BuildError(
                    "\(location): an image is listed for \(claimed) but its configuration says \(found)",
                    notes: ["manifest: \(images[place].manifest.descriptor.digest)"],
                    hints: ["build it again for \(claimed); an index with it would not start there"]
                )
            }
            images[place].platform = found
            images[place].manifest.descriptor.platform = found
        }
        guard !platforms.isEmpty else { return images }
        return images.filter { image in platforms.contains { $0.normalized == image.platform } }
    }

    private static func push(_ graph: ImageGraph, to tags: [ImageReference], _ session: BuildSession) async throws {
        guard !tags.isEmpty else {
            throw BuildError(.usage, "a tag is needed to push the index", hints: ["add -t REPO:TAG, or --dry-run"])
        }
        var repositories: [(first: ImageReference, tags: [String])] = []
        for tag in tags {
            if let place = repositories.firstIndex(where: { $0.first.repository == tag.repository }) {
                repositories[place].tags.append(tag.tagOrLatest)
            } else {
                repositories.append((tag, [tag.tagOrLatest]))
            }
        }
        for repository in repositories {
            let target = RegistryExporter(
                repository.first,
                tags: repository.tags,
                client: session.registry,
                pool: session.pool
            )
            let listed = Set(graph.images.map(\.manifest.descriptor.digest))
            let exporter = try await target.probed(isRelying: true) { listed.contains($0.digest) }
            try await exporter.pushContent(graph)
            try await exporter.verify(graph, blobs: false)
            try await exporter.tag(graph)
        }
    }
}
