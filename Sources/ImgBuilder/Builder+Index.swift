import ImgCredentials
import ImgExport
public import ImgOCI
import ImgRegistry
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
    /// Whether a missing repository is made, where that is possible (Amazon ECR).
    public var createsRepository = false
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
        try await perform(createsRepository: request.createsRepository) { session in
            var joined = JoinedImages(platforms: request.platforms)
            var annotations: [String: String] = [:]
            if request.appends {
                let base = try await Self.base(request, session)
                for image in base.images { try joined.add(image, isReplaceable: true) }
                annotations = base.annotations
            }
            for location in request.sources {
                for image in try await Self.images(of: location, session).images { try joined.add(image) }
            }
            let images = try joined.finished()
            let types = try DocumentTypes(of: images)
            if types.usesDocker {
                guard request.annotations.isEmpty else {
                    throw BuildError(
                        .usage,
                        "the images are of Docker's media types, whose index has no annotations",
                        hints: ["leave --annotation out, or build the images with OCI's types"]
                    )
                }
                if !annotations.isEmpty {
                    session.events.emit(
                        .warning(
                            Diagnostic(
                                .warning,
                                "the annotations of the index are dropped: Docker's media types have none"
                            )
                        )
                    )
                }
                annotations = [:]
            }
            annotations.merge(request.annotations) { $1 }
            let assembler = Assembler(
                usesDockerTypes: types.usesDocker,
                annotations: annotations.sorted { $0.key < $1.key }
                    .map { AnnotationRequest(level: .index, platform: nil, key: $0.key, value: $0.value) }
            )
            guard let index = assembler.index(images, isForced: true) else {
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

    /// What the first tag has now; nothing where there is no such tag yet.
    private static func base(
        _ request: IndexRequest,
        _ session: BuildSession
    ) async throws -> (images: [ImageGraph.Image], annotations: [String: String]) {
        guard let tag = request.tags.first else {
            throw BuildError(.usage, "a tag is needed to append to", hints: ["add -t REPO:TAG"])
        }
        let repository = session.registry.repository(tag, for: .push)
        guard try await repository.headManifest(.tag(tag.tagOrLatest)) != nil else {
            session.events.emit(.note("there is no \(tag.familiar) yet: it begins with what is given"))
            return ([], [:])
        }
        let graph = try await images(of: .registry(tag), session)
        guard let index = graph.index else { return (graph.images, [:]) }
        let document = try ImageIndex(parsing: index.bytes, mediaType: index.descriptor.mediaType)
        return (graph.images, document.annotations)
    }

    /// The images of a source, each with the platform that its configuration names.
    private static func images(of location: ImageLocation, _ session: BuildSession) async throws -> ImageGraph {
        let source = try await session.open(location)
        var graph = try await GraphReader.graph(from: source)
        // What an entry of a layout says about a lone image is the layout's own business (LAY-2).
        if graph.index == nil, let place = graph.images.indices.first {
            for key in OCILayout.entryKeys { graph.images[place].manifest.descriptor.annotations[key] = nil }
        }
        for place in graph.images.indices where !JoinedImages.isAttestation(graph.images[place]) {
            let image = graph.images[place]
            let notes = ["manifest: \(image.manifest.descriptor.digest)"]
            guard image.config.descriptor.mediaType.isImageConfig else {
                // An entry without a platform would be chosen for any (DEF-9).
                guard image.platform == nil else { continue }
                throw BuildError(
                    "\(location) is no image: its config is of type \(image.config.descriptor.mediaType), which names no platform",
                    notes: notes,
                    hints: ["an index lists images by platform; push artifacts under tags of their own"]
                )
            }
            let bytes = try await source.blob(image.config.descriptor, limit: ImageLimits.config)
            let found = try ImageConfig(parsing: bytes).platform.normalized
            guard !found.os.isEmpty, !found.architecture.isEmpty else {
                throw BuildError("\(location): the configuration of an image names no platform", notes: notes)
            }
            if let claimed = image.platform, claimed.normalized != found {
                throw BuildError(
                    "\(location): an image is listed for \(claimed) but its configuration says \(found)",
                    notes: notes,
                    hints: ["build it again for \(claimed); an index with it would not start there"]
                )
            }
            graph.images[place].platform = found
            graph.images[place].manifest.descriptor.platform = found
        }
        return graph
    }

    private static func push(_ graph: ImageGraph, to tags: [ImageReference], _ session: BuildSession) async throws {
        guard !tags.isEmpty else {
            throw BuildError(.usage, "a tag is needed to push the index", hints: ["add -t REPO:TAG, or --dry-run"])
        }
        let listed = Set(graph.images.map(\.manifest.descriptor.digest))
        let targets = try await PushTargets(tags: tags, session: session).probed { listed.contains($0.digest) }
        _ = try await targets.push(graph)
    }
}
