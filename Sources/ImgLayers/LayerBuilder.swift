package import ImgOCI
package import ImgStore
package import ImgStream
package import ImgTasks
package import ImgTree

/// A finished layer.
package struct BuiltLayer: Sendable, Hashable {
    package var descriptor: Descriptor
    /// Digest of the uncompressed tar.
    package var diffID: Digest
    /// Whether it was there before.
    package var wasCached: Bool
    /// Where its bytes are; nil when only the shared cache has them.
    package var path: String?
    /// What the inspector said about files, by path.
    package var notes: [[UInt8]: [UInt8]]
    /// What the shared cache says of it, when it comes from there.
    package var shared: LayerCatalog.Entry?
}

/// Layers that need not be built because a shared cache has them.
package struct SharedLayers: Sendable {
    package var catalog: LayerCatalog
    /// Whether a layer counts that differs in the times of its files only.
    package var acceptsOtherTimes: Bool
    /// Whether the cache still has a blob.
    package var holds: @Sendable (Descriptor) async -> Bool

    package init(
        catalog: LayerCatalog,
        acceptsOtherTimes: Bool,
        holds: @escaping @Sendable (Descriptor) async -> Bool
    ) {
        self.catalog = catalog
        self.acceptsOtherTimes = acceptsOtherTimes
        self.holds = holds
    }
}

/// What others see of a layer while it is made.
package struct LayerWatch: Sendable {
    /// The blob's bytes; ended when the layer is there, however it came.
    package let file = GrowingFile()
    /// Hears what the inspector says about a file, by its path.
    fileprivate let noted: @Sendable (_ path: [UInt8], _ note: [UInt8]) -> Void

    package init(noted: @escaping @Sendable (_ path: [UInt8], _ note: [UInt8]) -> Void) {
        self.noted = noted
    }
}

/// Turns the entries of a layer into a blob, once for equal layers.
package final class LayerBuilder: Sendable {
    private let store: ContentStore
    private let pool: BlockingPool
    private let settings: CompressionSettings
    private let usesCache: Bool
    private let workers: Int
    private let now: Timestamp
    private let inspector: (any FileInspector)?
    private let shared: SharedLayers?
    private let isExporting: Bool
    private let running = OnceMap<LayerKey, BuiltLayer>()
    /// A layer compresses on all cores by itself; a second one at a time hides its waits.
    private let slots = Limiter(limit: 2)

    /// - Parameters:
    ///   - shared: Where layers are looked for that this machine has not built.
    ///   - isExporting: Whether ``catalogEntry(of:_:)`` will be asked, so that what it needs is computed on the way.
    package init(
        store: ContentStore,
        pool: BlockingPool,
        settings: CompressionSettings,
        usesCache: Bool,
        workers: Int,
        now: Timestamp,
        inspector: (any FileInspector)?,
        shared: SharedLayers? = nil,
        isExporting: Bool = false
    ) {
        self.store = store
        self.pool = pool
        self.settings = settings
        self.usesCache = usesCache
        self.workers = workers
        self.now = now
        self.inspector = inspector
        self.shared = shared
        self.isExporting = isExporting
    }

    /// A layer that is wanted.
    package struct Order: Sendable {
        /// Contents that lie in other layers must have been extracted before it is built (``LayerContents``).
        package var spec: LayerSpec
        /// The finished layer, if a cache knows it without reading a file.
        package fileprivate(set) var found: BuiltLayer?
        /// Bytes of files that are in the layer so far.
        package let done = ByteCounter()
        fileprivate let key: LayerKey
        /// Nil when there is no shared cache.
        fileprivate let timeless: TimelessKey?

        /// The same for layers that are one piece of work.
        package var name: String { key.identity }
    }

    /// Looks a layer up in the caches.
    package func order(_ spec: LayerSpec) async throws -> Order {
        var order = try await pool.run { [self] in
            let key = LayerKey(spec, settings: settings, now: now)
            let found = usesCache ? key.state.flatMap { record(Self.states, $0) } : nil
            let timeless = usesCache && found == nil && shared != nil ? TimelessKey(spec, settings: settings) : nil
            return Order(spec: spec, found: found, key: key, timeless: timeless)
        }
        if let timeless = order.timeless, !timeless.needsContent {
            order.found = await sharedLayer(order, content: nil)
        }
        return order
    }

    /// Builds a layer unless it is found; equal layers of several platforms are one piece of work.
    package func build(_ order: Order, watch: LayerWatch? = nil) async throws -> BuiltLayer {
        defer { watch?.file.end() }
        if let found = order.found { return found }
        return try await running.value(for: order.key) { [self] in
            try await slots.withSlot { [self] in
                if let found = try await pool.run({ [self] in usesCache ? cached(order.spec, order.key) : nil }) {
                    return found
                }
                if let found = try await sharedLayer(order) { return found }
                return try await pool.run { [self] in try buildOnThread(order, watch) }
            }
        }
    }

    /// Builds a layer or finds it in the cache.
    package func build(_ spec: LayerSpec) async throws -> BuiltLayer {
        try await build(order(spec))
    }

    private func buildOnThread(_ order: Order, _ watch: LayerWatch?) throws -> BuiltLayer {
        let draft = try store.draft()
        if let watch { draft.show(to: watch.file) }
        let writer = LayerWriter(settings: settings, workers: workers, into: draft)
        let timeless = isExporting ? LayerHasher() : nil
        let sinks = EntryWriting.Sinks(layer: writer, timeless: timeless, done: order.done)
        let notes = try EntryWriting.write(order.spec, into: sinks, inspector: inspector) { note in
            watch?.noted(note.path, note.bytes)
        }
        let written = try writer.finish()
        if let timeless { rememberContent(try timeless.finish(), of: written.diffID) }
        let path = try draft.commit(as: written.digest)
        let descriptor = Descriptor(
            mediaType: .ociLayer(settings.format),
            digest: written.digest,
            size: written.size
        )
        let record = LayerRecord(descriptor: descriptor, diffID: written.diffID, notes: notes)
        remember(record, order.key)
        return record.layer(wasCached: false, path: path)
    }

    // MARK: - Cache

    private static let records = "layers-\(LayerRecord.version)"
    private static let states = "layer-states-\(LayerRecord.version)"
    private static let shapes = "layer-shapes"
    /// Diff IDs with every time zero, by diff ID.
    private static let contents = "layer-contents"

    /// By diff ID: the shape is known, but only reading can tell.
    private func cached(_ spec: LayerSpec, _ key: LayerKey) -> BuiltLayer? {
        guard store.record(namespace: Self.shapes, key: key.shape) != nil,
            let diffID = try? EntryWriting.diffID(spec),
            let found = record(Self.records, LayerKey.content(diffID, settings: settings))
        else { return nil }
        if let state = key.state,
            let bytes = store.record(namespace: Self.records, key: LayerKey.content(diffID, settings: settings))
        {
            store.setRecord(namespace: Self.states, key: state, bytes)
        }
        return found
    }

    /// Reads the sources only when a layer of this shape is known.
    private func sharedLayer(_ order: Order) async throws -> BuiltLayer? {
        guard let shared, let timeless = order.timeless, timeless.needsContent,
            !shared.catalog.candidates(timeless).isEmpty
        else { return nil }
        let content = try await pool.run { try EntryWriting.diffID(order.spec, ignoringTimes: true) }
        return await sharedLayer(order, content: content)
    }

    private func sharedLayer(_ order: Order, content: Digest?) async -> BuiltLayer? {
        guard let shared, let timeless = order.timeless else { return nil }
        let candidates = shared.catalog.candidates(timeless).filter { $0.content == content }
        let exact = candidates.first { $0.exactShape == order.key.shape }
        guard let entry = exact ?? (shared.acceptsOtherTimes ? candidates.first : nil),
            await shared.holds(entry.descriptor)
        else { return nil }
        var layer = entry.record.layer(wasCached: true, path: nil)
        layer.shared = entry
        return layer
    }

    /// What other machines need to know to find a layer.
    package func catalogEntry(of layer: BuiltLayer, _ spec: LayerSpec) async throws -> LayerCatalog.Entry {
        if let entry = layer.shared { return entry }
        return try await pool.run { [self] in
            let timeless = TimelessKey(spec, settings: settings)
            return LayerCatalog.Entry(
                shape: timeless.shape,
                exactShape: LayerKey(spec, settings: settings, now: now).shape,
                content: timeless.needsContent ? try timelessContent(of: layer) : nil,
                newestSourceTime: spec.newestSourceTime,
                record: LayerRecord(
                    descriptor: layer.descriptor,
                    diffID: layer.diffID,
                    notes: layer.notes.map { EntryWriting.Note(path: $0.key, bytes: $0.value) }
                        .sorted { $0.path.lexicographicallyPrecedes($1.path) }
                )
            )
        }
    }

    private func timelessContent(of layer: BuiltLayer) throws -> Digest {
        if let known = store.record(namespace: Self.contents, key: layer.diffID.description),
            let digest = try? Digest(parsing: String(decoding: known, as: UTF8.self))
        {
            return digest
        }
        guard let path = layer.path else {
            throw StreamError(.unsupported, "layer \(layer.descriptor.digest) is elsewhere")
        }
        let digest = try TimelessContent.digest(of: FileSource.open(path))
        rememberContent(digest, of: layer.diffID)
        return digest
    }

    private func rememberContent(_ digest: Digest, of diffID: Digest) {
        store.setRecord(namespace: Self.contents, key: diffID.description, Array(digest.description.utf8))
    }

    private func record(_ namespace: String, _ name: String) -> BuiltLayer? {
        guard let bytes = store.record(namespace: namespace, key: name), let record = LayerRecord(decoding: bytes),
            let path = store.path(of: record.descriptor.digest, size: record.descriptor.size)
        else { return nil }
        return record.layer(wasCached: true, path: path)
    }

    private func remember(_ record: LayerRecord, _ key: LayerKey) {
        let bytes = record.encoded
        store.setRecord(namespace: Self.records, key: LayerKey.content(record.diffID, settings: settings), bytes)
        store.setRecord(namespace: Self.shapes, key: key.shape, [])
        if let state = key.state { store.setRecord(namespace: Self.states, key: state, bytes) }
    }
}

/// What the cache keeps of a layer beside its blob.
struct LayerRecord: Hashable, Sendable {
    /// Raised when what is kept of a layer changes: one that was looked at differently is made anew.
    static let version: Int64 = 3

    var descriptor: Descriptor
    var diffID: Digest
    var notes: [EntryWriting.Note]

    init(descriptor: Descriptor, diffID: Digest, notes: [EntryWriting.Note]) {
        self.descriptor = descriptor
        self.diffID = diffID
        self.notes = notes
    }

    func layer(wasCached: Bool, path: String?) -> BuiltLayer {
        BuiltLayer(
            descriptor: descriptor,
            diffID: diffID,
            wasCached: wasCached,
            path: path,
            notes: Dictionary(notes.map { ($0.path, $0.bytes) }) { first, _ in first }
        )
    }

    init?(decoding bytes: [UInt8]) {
        guard let json = try? JSON.parse(bytes) else { return nil }
        self.init(json: json)
    }

    init?(json: JSON) {
        guard let descriptor = try? Descriptor(json: json["descriptor"], at: "record"),
            let text = json["diffID"]?.stringValue, let diffID = try? Digest(parsing: text)
        else { return nil }
        self.descriptor = descriptor
        self.diffID = diffID
        notes = (json["notes"]?.arrayValue ?? [])
            .compactMap { note in
                guard let pair = note.stringArray, pair.count == 2, let path = Base64.decode(pair[0]),
                    let bytes = Base64.decode(pair[1])
                else { return nil }
                return EntryWriting.Note(path: path, bytes: bytes)
            }
    }

    var encoded: [UInt8] { json.encoded() }

    var json: JSON {
        let notes = notes.map { JSON.strings([Base64.encode($0.path), Base64.encode($0.bytes)]) }
        return .object(
            JSONObject([
                ("descriptor", descriptor.json), ("diffID", .string(diffID.description)), ("notes", .array(notes)),
            ])
        )
    }
}
