import ImgCredentials
package import ImgOCI
package import ImgRegistry
import ImgReport
package import ImgStream
package import ImgTasks

/// Pushes to one repository: blobs as they become ready, then manifests, then tags, in the order in which a reader never
/// sees a part that is missing (PUSH-1).
package struct RegistryExporter: Sendable {
    private let remote: Repository
    private let pool: BlockingPool
    private let cache: DocumentCache?
    /// Of this repository.
    private let tags: [String]
    private var present = PresentContent()
    /// Whether no tag was seen to lead anywhere.
    private var areTagsNew = false

    /// - Parameters:
    ///   - reference: Names the repository; its own tag does not matter.
    ///   - tags: Put last, in order; none pushes by digest only.
    ///   - cache: Spares GETs of manifests at registries that count them.
    package init(
        _ reference: ImageReference,
        tags: [String],
        client: RegistryClient,
        cache: DocumentCache? = nil,
        pool: BlockingPool
    ) {
        self.cache = cache
        remote = client.repository(reference, for: .push)
        self.tags = tags
        self.pool = pool
    }

    package var name: String { remote.name }

    /// Fails early when the repository can't be pushed to: before any layer is compressed.
    ///
    /// The question is one that a push asks anyway: what the first tag points to. The answer also says what the
    /// repository holds, for which the result neither asks nor sends again (``PresentContent``). Where the first tag is
    /// new, as one named after a commit, the others are asked for. An account that may not read may still push (PUSH-6):
    /// then that is asked.
    /// - Parameters:
    ///   - isRelying: Whether to look at what is there; otherwise only permission is asked for.
    ///   - isWanted: Whether a manifest of the tag's present index is worth a look.
    package func probed(
        isRelying: Bool,
        _ isWanted: @Sendable (Descriptor) -> Bool
    ) async throws -> RegistryExporter {
        do {
            return try await looked(isRelying: isRelying, isWanted)
        } catch let error as RegistryError where error.code == .denied && error.status == 403 {
            guard isRelying else {
                var error = error
                error.hints = ["without the right to read, nothing can be read back: push with --verify=off"]
                throw error
            }
            try await remote.tryPush()
            return self
        }
    }

    private func looked(
        isRelying: Bool,
        _ isWanted: @Sendable (Descriptor) -> Bool
    ) async throws -> RegistryExporter {
        var copy = self
        guard !tags.isEmpty else {
            _ = try await remote.headManifest(.tag("latest"))
            return copy
        }
        for tag in tags {
            switch try await isRelying ? target(of: tag) : existence(of: tag) {
            case .missing: continue
            case .unknown: return copy
            case .found(let root):
                try await copy.rely(on: root, isWanted)
                return copy
            }
        }
        copy.areTagsNew = true
        return copy
    }

    /// Fails when this account may not push, which an opened upload shows; other failures are left to the push itself.
    package func askForPermission() async throws {
        do throws(RegistryError) {
            try await remote.tryPush()
        } catch let error where [.unauthorized, .denied, .cancelled].contains(error.code) {
            throw error
        } catch {}
    }

    private mutating func rely(
        on root: ImageGraph.Content,
        _ isWanted: @Sendable (Descriptor) -> Bool
    ) async throws {
        present.insert(root)
        guard root.descriptor.mediaType.isIndex else { return }
        let index = try? ImageIndex(parsing: root.bytes, mediaType: root.descriptor.mediaType)
        let entries = (index?.manifests ?? []).filter { $0.mediaType.isManifest && isWanted($0) }
        let exporter = self
        try await withThrowingTaskGroup(of: ImageGraph.Content?.self) { group in
            for entry in entries { group.addTask { try await exporter.child(entry) } }
            while let found = try await group.next() { if let found { present.insert(found) } }
        }
    }

    /// What a tag leads to.
    private enum Target: Sendable {
        case missing
        /// To something that can't be known cheaply, or is no image: it will be replaced.
        case unknown
        case found(ImageGraph.Content)
    }

    private func existence(of tag: String) async throws -> Target {
        try await remote.headManifest(.tag(tag)) == nil ? .missing : .unknown
    }

    private func target(of tag: String) async throws -> Target {
        guard !remote.countsManifestReads else {
            guard let found = try await remote.headManifest(.tag(tag)) else { return .missing }
            return try await cache?.manifest(found.digest).map { .found($0) } ?? .unknown
        }
        do {
            let found = try await remote.resolve(.tag(tag))
            return .found(ImageGraph.Content(descriptor: found.descriptor, bytes: found.bytes))
        } catch {
            guard error.isMissing || Self.isUnreadable(error) else { throw error }
            return error.isMissing ? .missing : .unknown
        }
    }

    /// A manifest of an index, if the repository still has it.
    private func child(_ entry: Descriptor) async throws -> ImageGraph.Content? {
        // What came along in the index proves nothing.
        var entry = entry
        entry.data = nil
        do {
            if remote.countsManifestReads {
                guard let known = try await cache?.manifest(entry.digest) else { return nil }
                let found = try await remote.headManifest(.digest(entry.digest))
                return found == nil ? nil : known
            }
            return ImageGraph.Content(descriptor: entry, bytes: try await remote.manifest(entry).bytes)
        } catch let error as RegistryError
            where error.isMissing || error.code == .denied || Self.isUnreadable(error)
        {
            return nil
        }
    }

    /// Whether something is no image.
    private static func isUnreadable(_ error: RegistryError) -> Bool {
        [.protocol, .digestMismatch, .sizeMismatch].contains(error.code)
    }

    /// Whether layers are sent while they are made.
    ///
    /// Only where no tag leads anywhere yet: what is pushed to one that exists is likely to be there, which is known only
    /// by the digest of the finished layer.
    package var sendsEarly: Bool { areTagsNew && remote.takesEarlyUploads }

    package var host: String { remote.host }

    /// Sends a layer while it is made, as far as that goes; ``push(_:continuing:)`` takes it up.
    /// - Parameter isWanted: Asked before each part.
    package func pushEarly(_ file: GrowingFile, while isWanted: @Sendable () -> Bool) async -> EarlyUpload? {
        let body = UploadBody.stream { [pool] range in
            let reader = GrowingReader(file, from: range.lowerBound, pool: pool)
            return { try await reader.next() }
        }
        return await remote.uploadEarly(file, body: body, while: isWanted)
    }

    package func giveUp(_ early: EarlyUpload) async { await remote.giveUp(early) }

    /// Brings one blob into the repository, once however often it is asked for.
    @discardableResult
    package func push(_ blob: Blob, continuing early: EarlyUpload? = nil) async throws -> PushOutcome {
        // Foreign layers stay where their licence wants them (PULL-21).
        if blob.descriptor.mediaType.isForeignLayer { return .existed }
        return try await remote.upload(
            blob.descriptor,
            body: body(blob),
            hints: UploadHints(
                mountSources: mountSources(blob),
                isPresent: present.hasBlob(blob.descriptor),
                early: early
            )
        )
    }

    /// What ``push(_:continuing:)`` would come to; only asks.
    package func forecast(_ blob: Blob) async throws -> PushOutcome {
        let descriptor = blob.descriptor
        if descriptor.mediaType.isForeignLayer || present.hasBlob(descriptor) { return .existed }
        if try await remote.hasBlob(descriptor) { return .existed }
        return mountSources(blob).first.map { .mounted(from: $0) } ?? .uploaded(bytes: descriptor.size)
    }

    /// What a tag points to; nil when it does not exist.
    package func current(_ tag: String) async throws -> Digest? { try await remote.headManifest(.tag(tag))?.digest }

    private func body(_ blob: Blob) -> UploadBody {
        switch blob.origin {
        case .bytes(let bytes): return .bytes(bytes)
        case .file(let path): return .file(path)
        case .source(let source):
            if let registry = source as? RegistrySource { return .blob(blob.descriptor, of: registry.remote) }
            let pool = pool
            return .stream { range in
                let stream = try await ContentReading.stream(blob, pool: pool)
                let rest = SkippingStream(stream, offset: range.lowerBound)
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
    ///
    /// - Parameter isReadBack: Whether ``verify(_:blobs:)`` comes next, for which the root has to be there by its digest.
    ///   Otherwise only its tag makes it (PUSH-3).
    package func pushContent(_ graph: ImageGraph, isReadBack: Bool = false) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for blob in graph.blobs { group.addTask { try await push(blob) } }
            try await group.waitForAll()
        }
        for document in graph.documents where !present.hasDocument(document.descriptor.digest) {
            let digest = document.descriptor.digest
            guard isReadBack || tags.isEmpty || digest != graph.root?.descriptor.digest else { continue }
            try await put(document, as: .digest(digest), of: graph)
        }
    }

    /// Reads back what was pushed, before a tag points to it; what was served when the push began has been read.
    /// - Returns: Whether that was possible: an account that may push need not be allowed to read.
    package func verify(_ graph: ImageGraph, blobs checksBlobs: Bool) async throws -> Bool {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for document in graph.documents where !present.hasDocument(document.descriptor.digest) {
                group.addTask {
                    do {
                        try await check(document)
                        return true
                    } catch let error as RegistryError where error.code == .denied && !checksBlobs {
                        return false
                    }
                }
            }
            if checksBlobs {
                for blob in graph.blobs where !blob.descriptor.mediaType.isForeignLayer {
                    group.addTask {
                        try await check(blob)
                        return true
                    }
                }
            }
            return try await group.reduce(true) { $0 && $1 }
        }
    }

    private func check(_ blob: Blob) async throws {
        let digest = blob.descriptor.digest
        switch try await remote.presence(of: blob.descriptor) {
        case true?: return
        case false?:
            throw BuildError(
                .refused,
                "\(remote.name) has lost blob \(digest) right after it was pushed; the tag was not moved",
                hints: ["run the same command again; if it happens again, the registry's storage is at fault"]
            )
        case nil:
            throw BuildError(
                .denied,
                "\(remote.name) does not tell this account whether it has blob \(digest); the tag was not moved",
                hints: ["push with --verify=manifests or --verify=off, or as an account that may read"]
            )
        }
    }

    private func check(_ content: ImageGraph.Content) async throws {
        var reason = "the registry does not have it"
        // A storage may take a while to show what it has accepted (PUSH-34).
        for delay in [1, 2, 4, nil] {
            do {
                if try await isServed(content.descriptor) { return }
            } catch let error as RegistryError where error.isMissing || Self.isUnreadable(error) {
                reason = error.reason
                guard error.isMissing else { break }
            }
            if let delay { try await Task.sleep(for: .seconds(delay)) }
        }
        throw BuildError(
            .refused,
            "\(remote.name) does not give manifest \(content.descriptor.digest) back as it was pushed; the tag was not moved",
            notes: [reason],
            hints: ["run the same command again; if it happens again, the registry's storage or a proxy is at fault"]
        )
    }

    /// Whether a document is served as it was pushed; where reads are counted, a HEAD has to do (HUB-3).
    private func isServed(_ descriptor: Descriptor) async throws -> Bool {
        guard !remote.countsManifestReads else {
            guard let found = try await remote.headManifest(.digest(descriptor.digest)) else { return false }
            return found.size == descriptor.size
        }
        // What came along in the index proves nothing.
        var descriptor = descriptor
        descriptor.data = nil
        _ = try await remote.manifest(descriptor)
        return true
    }

    /// Moves a tag.
    package func tag(_ graph: ImageGraph, as tag: String) async throws {
        guard let root = graph.root else { return }
        try await put(root, as: .tag(tag), of: graph)
    }

    private func put(
        _ content: ImageGraph.Content,
        as selector: ManifestSelector,
        of graph: ImageGraph
    ) async throws {
        let blobs = Dictionary(graph.blobs.map { ($0.descriptor.digest, $0) }) { first, _ in first }
        _ = try await remote.putManifest(
            content.bytes,
            mediaType: content.descriptor.mediaType,
            as: selector
        ) { descriptor throws(RegistryError) in
            guard let blob = blobs[descriptor.digest] else { return }
            try await remote.uploadAgain(descriptor, body: body(blob))
        }
        if remote.countsManifestReads { try await cache?.keep(manifest: content) }
    }
}

/// Reads on in a file that is being written.
private actor GrowingReader {
    private static let chunk = 256 << 10
    private let file: GrowingFile
    private let pool: BlockingPool
    private var offset: Int64

    init(_ file: GrowingFile, from offset: Int64, pool: BlockingPool) {
        self.file = file
        self.offset = offset
        self.pool = pool
    }

    func next() async throws -> [UInt8]? {
        let (file, offset) = (file, offset)
        let bytes = try await pool.run { try file.read(from: offset, count: Self.chunk) }
        self.offset += Int64(bytes.count)
        return bytes.isEmpty ? nil : bytes
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
