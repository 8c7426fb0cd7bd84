import ImgCredentials
package import ImgOCI
package import ImgRegistry
import ImgReport
package import ImgTasks

/// Pushes to one repository: blobs as they become ready, then manifests, then tags, in the order in which a reader never
/// sees a part that is missing (PUSH-1).
package struct RegistryExporter: Sendable {
    private let remote: Repository
    private let reader: @Sendable () -> Repository
    private let pool: BlockingPool
    /// Of this repository.
    private let tags: [String]

    /// - Parameters:
    ///   - reference: Names the repository; its own tag does not matter.
    ///   - tags: Put last, in order; none pushes by digest only.
    package init(_ reference: ImageReference, tags: [String], client: RegistryClient, pool: BlockingPool) {
        remote = client.repository(reference, for: .push)
        reader = { client.repository(reference) }
        self.tags = tags
        self.pool = pool
    }

    package var name: String { remote.name }

    /// Fails early when the repository can't be pushed to: before any layer is compressed.
    ///
    /// The question is one that a push asks anyway: what the first tag points to.
    package func probe() async throws {
        _ = try await remote.headManifest(.tag(tags.first ?? "latest"))
    }

    /// Brings one blob into the repository, once however often it is asked for.
    @discardableResult
    package func push(_ blob: Blob) async throws -> PushOutcome {
        // Foreign layers stay where their licence wants them (PULL-21).
        if blob.descriptor.mediaType.isForeignLayer { return .existed }
        return try await remote.upload(
            blob.descriptor,
            body: body(blob),
            hints: UploadHints(mountSources: mountSources(blob))
        )
    }

    private func body(_ blob: Blob) -> UploadBody {
        switch blob.origin {
        case .bytes(let bytes): return .bytes(bytes)
        case .file(let path): return .file(path, size: blob.descriptor.size)
        case .source(let source):
            if let registry = source as? RegistrySource { return .blob(blob.descriptor, of: registry.remote) }
            let pool = pool
            return .stream(size: blob.descriptor.size) { offset in
                let stream = try await ContentReading.stream(blob, pool: pool)
                let rest = SkippingStream(stream, offset: offset)
                return { try await rest.next() }
            }
        }
    }

    /// The repository it was read from, when that is at the same registry (PUSH-10).
    private func mountSources(_ blob: Blob) -> [String] {
        guard case .source(let source) = blob.origin, let origin = (source as? RegistrySource)?.remote,
            origin.host.lowercased() == remote.host.lowercased(), origin.path != remote.path
        else { return [] }
        return [origin.path]
    }

    /// Brings everything into the repository but the tags: blobs that are not there yet, children, index.
    package func pushContent(_ graph: ImageGraph) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for blob in graph.blobs { group.addTask { try await push(blob) } }
            try await group.waitForAll()
        }
        let blobs = Dictionary(graph.blobs.map { ($0.descriptor.digest, $0) }) { first, _ in first }
        for image in graph.images where graph.index != nil || tags.isEmpty {
            try await put(image.manifest, as: .digest(image.manifest.descriptor.digest), blobs)
        }
        if let index = graph.index, tags.isEmpty {
            try await put(index, as: .digest(index.descriptor.digest), blobs)
        }
    }

    /// Reads back what was pushed before a tag points to it.
    package func verify(_ graph: ImageGraph, blobs checksBlobs: Bool) async throws {
        let remote = reader()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for image in graph.images where graph.index != nil || tags.isEmpty {
                group.addTask { try await check(image.manifest, at: remote) }
            }
            if checksBlobs {
                for blob in graph.blobs where !blob.descriptor.mediaType.isForeignLayer {
                    group.addTask {
                        guard try await remote.hasBlob(blob.descriptor) else {
                            throw BuildError(
                                .refused,
                                "\(remote.name) has lost blob \(blob.descriptor.digest) right after it was pushed; the tag was not moved",
                                hints: [
                                    "run the same command again; if it happens again, the registry's storage is at fault"
                                ]
                            )
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func check(_ content: ImageGraph.Content, at remote: Repository) async throws {
        let digest = content.descriptor.digest
        guard let found = try await remote.headManifest(.digest(digest)), found.digest == digest else {
            throw BuildError(
                .refused,
                "\(remote.name) does not give manifest \(digest) back after it was pushed; the tag was not moved",
                hints: ["run the same command again"]
            )
        }
    }

    /// Moves the tags.
    package func tag(_ graph: ImageGraph) async throws {
        guard let root = graph.root else { return }
        let blobs = Dictionary(graph.blobs.map { ($0.descriptor.digest, $0) }) { first, _ in first }
        for tag in tags { try await put(root, as: .tag(tag), blobs) }
    }

    private func put(_ content: ImageGraph.Content, as selector: ManifestSelector, _ blobs: [Digest: Blob]) async throws
    {
        _ = try await remote.putManifest(
            content.bytes,
            mediaType: content.descriptor.mediaType,
            as: selector
        ) { descriptor throws(RegistryError) in
            guard let blob = blobs[descriptor.digest] else { return }
            try await remote.uploadAgain(descriptor, body: body(blob))
        }
    }
}

/// A stream without its first bytes: an upload that goes on where it broke.
private actor SkippingStream {
    private var iterator: ContentStream.AsyncIterator
    private var skip: Int64

    init(_ stream: ContentStream, offset: Int64) {
        iterator = stream.makeAsyncIterator()
        skip = offset
    }

    func next() async throws -> [UInt8]? {
        var local = iterator
        defer { iterator = local }
        while let chunk = try await local.next() {
            if skip == 0 { return chunk }
            let dropped = min(Int64(chunk.count), skip)
            skip -= dropped
            if dropped < chunk.count { return Array(chunk[Int(dropped)...]) }
        }
        return nil
    }
}
