package import ImgOCI
package import ImgStore
package import ImgStream
package import ImgTasks
package import ImgTree

/// A finished layer in the store.
package struct BuiltLayer: Sendable, Hashable {
    package var descriptor: Descriptor
    /// Digest of the uncompressed tar.
    package var diffID: Digest
    /// Whether it was there before.
    package var wasCached: Bool
    /// Where its bytes are.
    package var path: String
    /// What the inspector said about files, by path.
    package var notes: [[UInt8]: [UInt8]]
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
    private let running = OnceMap<LayerKey, BuiltLayer>()
    /// A layer compresses on all cores by itself; a second one at a time hides its waits.
    private let slots = Limiter(limit: 2)

    package init(
        store: ContentStore,
        pool: BlockingPool,
        settings: CompressionSettings,
        usesCache: Bool,
        workers: Int,
        now: Timestamp,
        inspector: (any FileInspector)?
    ) {
        self.store = store
        self.pool = pool
        self.settings = settings
        self.usesCache = usesCache
        self.workers = workers
        self.now = now
        self.inspector = inspector
    }

    /// A layer that is wanted.
    package struct Order: Sendable {
        /// Contents that lie in other layers must have been extracted before it is built (``LayerContents``).
        package var spec: LayerSpec
        /// The finished layer, if the cache knows it without reading a file.
        package let found: BuiltLayer?
        fileprivate let key: LayerKey

        /// The same for layers that are one piece of work.
        package var name: String { key.identity }
    }

    /// Looks a layer up in the cache.
    package func order(_ spec: LayerSpec) async throws -> Order {
        try await pool.run { [self] in
            let key = LayerKey(spec, settings: settings, now: now)
            let found = usesCache ? key.state.flatMap { record(Self.states, $0) } : nil
            return Order(spec: spec, found: found, key: key)
        }
    }

    /// Builds a layer unless it is found; equal layers of several platforms are one piece of work.
    package func build(_ order: Order) async throws -> BuiltLayer {
        if let found = order.found { return found }
        return try await running.value(for: order.key) { [self] in
            try await slots.withSlot { try await pool.run { [self] in try buildOnThread(order.spec, order.key) } }
        }
    }

    /// Builds a layer or finds it in the cache.
    package func build(_ spec: LayerSpec) async throws -> BuiltLayer {
        try await build(order(spec))
    }

    private func buildOnThread(_ spec: LayerSpec, _ key: LayerKey) throws -> BuiltLayer {
        if usesCache, let found = cached(spec, key) { return found }
        let draft = try store.draft()
        let writer = LayerWriter(settings: settings, workers: workers, into: draft)
        let notes = try EntryWriting.write(spec, into: writer, inspector: inspector)
        let written = try writer.finish()
        let path = try draft.commit(as: written.digest)
        let descriptor = Descriptor(
            mediaType: .ociLayer(settings.format),
            digest: written.digest,
            size: written.size
        )
        let record = LayerRecord(descriptor: descriptor, diffID: written.diffID, notes: notes)
        remember(record, key)
        return record.layer(wasCached: false, path: path)
    }

    // MARK: - Cache

    /// Raised when what is kept of a layer changes.
    private static let records = "layers-2"
    private static let states = "layer-states-2"

    /// By diff ID: the shape is known, but only reading can tell.
    private func cached(_ spec: LayerSpec, _ key: LayerKey) -> BuiltLayer? {
        guard store.record(namespace: "layer-shapes", key: key.shape) != nil,
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

    private func record(_ namespace: String, _ name: String) -> BuiltLayer? {
        guard let bytes = store.record(namespace: namespace, key: name), let record = LayerRecord(decoding: bytes),
            let path = store.path(of: record.descriptor.digest, size: record.descriptor.size)
        else { return nil }
        return record.layer(wasCached: true, path: path)
    }

    private func remember(_ record: LayerRecord, _ key: LayerKey) {
        let bytes = record.encoded
        store.setRecord(namespace: Self.records, key: LayerKey.content(record.diffID, settings: settings), bytes)
        store.setRecord(namespace: "layer-shapes", key: key.shape, [])
        if let state = key.state { store.setRecord(namespace: Self.states, key: state, bytes) }
    }
}

/// What the cache keeps of a layer beside its blob.
struct LayerRecord: Hashable, Sendable {
    var descriptor: Descriptor
    var diffID: Digest
    var notes: [EntryWriting.Note]

    init(descriptor: Descriptor, diffID: Digest, notes: [EntryWriting.Note]) {
        self.descriptor = descriptor
        self.diffID = diffID
        self.notes = notes
    }

    func layer(wasCached: Bool, path: String) -> BuiltLayer {
        BuiltLayer(
            descriptor: descriptor,
            diffID: diffID,
            wasCached: wasCached,
            path: path,
            notes: Dictionary(notes.map { ($0.path, $0.bytes) }) { first, _ in first }
        )
    }

    init?(decoding bytes: [UInt8]) {
        guard let json = try? JSON.parse(bytes),
            let descriptor = try? Descriptor(json: json["descriptor"], at: "record"),
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

    var encoded: [UInt8] {
        let notes = notes.map { JSON.strings([Base64.encode($0.path), Base64.encode($0.bytes)]) }
        return
            JSON.object(
                JSONObject([
                    ("descriptor", descriptor.json), ("diffID", .string(diffID.description)), ("notes", .array(notes)),
                ])
            )
            .encoded()
    }
}
