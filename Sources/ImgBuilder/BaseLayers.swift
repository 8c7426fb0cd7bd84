import ImgChecks
import ImgExport
import ImgLayers
import ImgOCI
import ImgRegistry
import ImgReport
import ImgStore
import ImgStream
import ImgTasks
import ImgTree
import Synchronization

/// The layers of base images: their path indexes and, where a build copies from them, the contents of some of their files.
///
/// A layer is streamed, never stored whole.
final class BaseLayers: LayerContentReader, Sendable {
    /// A layer with the image it was found in.
    struct Location: Sendable {
        var descriptor: Descriptor
        var diffID: Digest
        var source: any ImageSource
    }

    private let store: ContentStore
    private let pool: BlockingPool
    private let events: any EventSink
    private let spoolDirectory: String
    private let shared: SharedCache?
    private let locations = Mutex<[Digest: Location]>([:])
    private let indexes = OnceMap<Digest, LayerIndex>()
    /// Layers that are read at a time: inflating keeps a processor busy.
    private let slots: Limiter

    init(_ session: BuildSession, shared: SharedCache? = nil) async throws {
        store = try await session.store()
        pool = session.pool
        events = session.events
        spoolDirectory = store.scratchDirectory
        self.shared = shared
        slots = Limiter(limit: max(1, session.workers))
    }

    /// Makes a layer known; the first image that brings it serves it.
    func register(_ location: Location) {
        locations.withLock { known in
            if known[location.descriptor.digest] == nil { known[location.descriptor.digest] = location }
        }
    }

    private func location(_ layer: Digest) throws(BuildError) -> Location {
        guard let found = locations.withLock({ $0[layer] }) else { throw BuildError("unknown base layer \(layer)") }
        return found
    }

    // MARK: - Path indexes

    /// The paths of a layer: from the cache, else by streaming the layer once (PULL-17 verifies it three ways).
    func index(of layer: Digest) async throws -> LayerIndex {
        try await indexes.value(for: layer) { [self] in
            if let known = try await pool.run({ [self] in cachedIndex(layer) }) { return known }
            if let index = await shared?.tree(of: layer) {
                try await pool.run { [self] in keep(index, layer) }
                return index
            }
            let location = try location(layer)
            return try await slots.withSlot { [self] in
                note(location, .downloading(received: 0))
                let index = try await read(location) { source in
                    try LayerIndex.scan(
                        source,
                        expecting: location.descriptor,
                        diffID: location.diffID,
                        inspector: ExecutableInspector()
                    )
                }
                try await pool.run { [self] in keep(index, layer) }
                note(location, .downloaded)
                return index
            }
        }
    }

    /// Raised when what is kept of a layer changes.
    static let namespace = "trees-2"

    private func keep(_ index: LayerIndex, _ layer: Digest) {
        store.setRecord(namespace: Self.namespace, key: layer.description, index.encoded())
    }

    /// The encoded path indexes that are known of the layers of this build's bases.
    func encodedIndexes() async throws -> [Digest: [UInt8]] {
        let layers = locations.withLock { Array($0.keys) }
        return try await pool.run { [self] in
            var found: [Digest: [UInt8]] = [:]
            for layer in layers { found[layer] = store.record(namespace: Self.namespace, key: layer.description) }
            return found
        }
    }

    private func cachedIndex(_ layer: Digest) -> LayerIndex? {
        store.record(namespace: Self.namespace, key: layer.description).flatMap { try? LayerIndex(decoding: $0) }
    }

    /// The paths of a layer if they are in the cache: costs no download.
    func knownIndex(of layer: Digest) async throws -> LayerIndex? {
        try await pool.run { [self] in cachedIndex(layer) }
    }

    private func note(_ location: Location, _ state: BlobEvent.State) {
        let descriptor = location.descriptor
        events.emit(
            .blob(
                BlobEvent(
                    digest: descriptor.digest,
                    size: descriptor.size,
                    repository: location.source.name,
                    state: state
                )
            )
        )
    }

    // MARK: - Other compressions

    /// A layer as another compression has it, from the store or made now.
    ///
    /// - Parameter workers: Threads that compress.
    func converted(_ location: Location, to settings: CompressionSettings, workers: Int) async throws -> Blob {
        let key = "\(settings) \(location.descriptor.digest)"
        if let known = try await pool.run({ [self] in converted(key) }) { return known }
        return try await slots.withSlot { [self] in
            note(location, .downloading(received: 0))
            let (descriptor, path) = try await read(location) { [store] source in
                try LayerConversion.convert(
                    source,
                    of: location.descriptor,
                    diffID: location.diffID,
                    settings: settings,
                    workers: workers,
                    into: store
                )
            }
            try await pool.run { [store] in
                store.setRecord(namespace: Self.conversions, key: key, descriptor.json.encoded())
            }
            note(location, .downloaded)
            return Blob(descriptor: descriptor, origin: .file(path: path))
        }
    }

    private static let conversions = "converted-1"

    private func converted(_ key: String) -> Blob? {
        guard let record = store.record(namespace: Self.conversions, key: key),
            let descriptor = try? Descriptor(json: JSON.parse(record), at: "record"),
            let path = store.path(of: descriptor.digest, size: descriptor.size)
        else { return nil }
        return Blob(descriptor: descriptor, origin: .file(path: path))
    }

    // MARK: - Contents

    /// Puts the contents that lie in base layers into scratch files, each layer read once.
    ///
    /// - Returns: The specs with every content within reach of a thread that blocks.
    func materialize(_ specs: [LayerSpec]) async throws -> [LayerSpec] {
        var wanted: [Digest: Set<Int>] = [:]
        for spec in specs { wanted.merge(spec.contentsInLayers) { $0.union($1) } }
        guard !wanted.isEmpty else { return specs }
        let found = try await withThrowingTaskGroup(of: (Digest, [Int: ContentRef]).self) { group in
            for (layer, ordinals) in wanted {
                group.addTask { [self] in
                    try await slots.withSlot { [self] in (layer, try await extract(ordinals, of: layer)) }
                }
            }
            var found: [Digest: [Int: ContentRef]] = [:]
            for try await (layer, pieces) in group { found[layer] = pieces }
            return found
        }
        return specs.map { spec in
            var copy = spec
            for place in copy.entries.indices {
                guard case .layerEntry(let layer, let ordinal, _)? = copy.entries[place].content else { continue }
                copy.entries[place].content = found[layer]?[ordinal] ?? copy.entries[place].content
            }
            return copy
        }
    }

    private func extract(_ ordinals: Set<Int>, of layer: Digest) async throws -> [Int: ContentRef] {
        let location = try location(layer)
        let spool = try await pool.run { [self] in try SpoolFile.create(in: spoolDirectory) }
        let pieces = try await read(location) { source in
            try LayerContents.extract(ordinals, from: source, expecting: location.descriptor, into: spool)
        }
        return pieces.mapValues { .spool(file: spool, offset: $0.offset, size: $0.size) }
    }

    func read(layer: Digest, ordinal: Int, limit: Int) async throws(BuildError) -> [UInt8] {
        do {
            let contents = try await slots.withSlot { [self] in try await extract([ordinal], of: layer) }
            guard let content = contents[ordinal], content.size <= Int64(limit) else {
                throw BuildError("file larger than \(limit) bytes")
            }
            return try await pool.run { try content.openLocal()?.readAll(limit: limit) ?? [] }
        } catch {
            throw BuildError(describing: error)
        }
    }

    /// Runs a blocking reader on a thread while the layer streams in; the chunks between them are few.
    private func read<Value: Sendable>(
        _ location: Location,
        _ body: @Sendable @escaping (ChannelSource) throws -> Value
    ) async throws -> Value {
        do {
            let received = ByteCounter()
            return try await received.watched { [self] in
                note(location, .downloading(received: $0))
            } during: {
                while true {
                    do {
                        return try await stream(location, received, body)
                    } catch let error as RegistryError where error.isOfMirror {
                        // That mirror is not asked again.
                        received.reset(to: 0)
                    }
                }
            }
        } catch let error as RegistryError {
            throw error.buildError
        } catch let error as StreamError where error.code != .cancelled {
            throw BuildError(
                .network,
                "base layer \(location.descriptor.digest) of \(location.source.name): \(error.message)",
                hints: ["the registry, a proxy or a mirror serves damaged data; try again, or push the base anew"]
            )
        }
    }

    private func stream<Value: Sendable>(
        _ location: Location,
        _ received: ByteCounter,
        _ body: @Sendable @escaping (ChannelSource) throws -> Value
    ) async throws -> Value {
        let stream = try await location.source.stream(location.descriptor)
        do {
            return try await read(stream, received, body)
        } catch let error as StreamError where error.code != .cancelled {
            // The digest tells whether the bytes are at fault or the archive is.
            for try await _ in stream {}
            throw error
        }
    }

    private func read<Value: Sendable>(
        _ stream: ContentStream,
        _ received: ByteCounter,
        _ body: @Sendable @escaping (ChannelSource) throws -> Value
    ) async throws -> Value {
        let channel = BoundedChannel<[UInt8]>(capacity: 8)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                do {
                    for try await chunk in stream {
                        received.add(Int64(chunk.count))
                        try await channel.send(chunk)
                    }
                    channel.finish(throwing: nil)
                } catch is ChannelClosed {
                    // The reader has failed, and says why.
                } catch {
                    channel.finish(throwing: error)
                }
                return nil
            }
            group.addTask { [pool] in
                defer { channel.cancel() }
                return try await pool.run {
                    let source = ChannelSource(channel)
                    do {
                        return try body(source)
                    } catch {
                        // A reader only knows that its bytes have ended; why they did has its own words and exit status.
                        throw source.failure ?? error
                    }
                }
            }
            var result: Value?
            while let value = try await group.next() { if let value { result = value } }
            guard let result else { throw CancellationError() }
            return result
        }
    }
}

/// The chunks of a stream, pulled by a thread that may block.
final class ChannelSource: ByteSource {
    private let channel: BoundedChannel<[UInt8]>
    private var chunk: ArraySlice<UInt8> = []
    /// What ended the stream early.
    private(set) var failure: (any Error)?

    init(_ channel: BoundedChannel<[UInt8]>) {
        self.channel = channel
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        while chunk.isEmpty {
            do {
                guard let next = try channel.nextBlocking() else { return 0 }
                chunk = next[...]
            } catch {
                failure = error
                throw StreamError(.corrupt, BuildError(describing: error).description)
            }
        }
        let count = min(chunk.count, buffer.count)
        unsafe buffer.copyBytes(from: chunk.prefix(count))
        chunk.removeFirst(count)
        return count
    }
}
