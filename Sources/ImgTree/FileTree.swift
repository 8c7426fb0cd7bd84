package import ImgOCI
import ImgStream

/// A stack of layers seen as one file system, loaded from the top as far as questions need.
///
/// A question about one path asks the topmost layer first and stops at the first that decides: the path itself, a
/// whiteout, an opaque ancestor, or an ancestor that is no directory. Paths are relative (`etc/passwd`; a leading `/`
/// is dropped); the root always exists.
package struct FileTree: Sendable {
    private let slots: [LayerSlot]

    /// - Parameter layers: From the bottom to the top.
    package init(layers: [LayerProvider] = []) {
        slots = layers.map { LayerSlot($0) }
    }

    private init(slots: [LayerSlot]) {
        self.slots = slots
    }

    /// Number of layers; without any there is no file system yet (CP-28).
    package var layerCount: Int { slots.count }

    /// Digests from the bottom to the top, as the providers gave them.
    package var digests: [Digest?] { slots.map(\.digest) }

    /// Whether every layer's index is at hand: then no question costs a download.
    package var isLoaded: Bool { slots.allSatisfy { $0.loaded != nil } }

    /// This tree with one more layer on top; what is loaded is shared.
    package func appending(_ layer: LayerIndex, digest: Digest? = nil) -> FileTree {
        FileTree(slots: slots + [LayerSlot(digest: digest, index: layer)])
    }

    /// The index of one layer, loaded if need be.
    package func layer(_ position: Int) async throws(TreeError) -> LayerIndex {
        try await slots[position].index()
    }

    /// One path without following symbolic links; nil when it does not exist.
    package func lookup(_ path: [UInt8]) async throws(TreeError) -> Entry? {
        var search = LayerSearch(TreePath.relative(path))
        var position = slots.count
        while let next = search.next(below: position) {
            position = next
            search.ask(try await slots[position].index(), slot: position)
        }
        return search.result
    }

    /// All layers from the bottom to the top, loaded.
    package func loadAll() async throws(TreeError) -> LoadedTree {
        var layers: [LayerIndex] = []
        layers.reserveCapacity(slots.count)
        for slot in slots { layers.append(try await slot.index()) }
        return LoadedTree(layers: layers)
    }

    /// What a directory holds, bytewise by name; needs all layers.
    package func children(of directory: [UInt8]) async throws(TreeError) -> [Entry] {
        try await loadAll().children(of: directory)
    }

    /// Everything below a directory, depth first and bytewise by name; needs all layers.
    package func walk(_ directory: [UInt8] = []) async throws(TreeError) -> [Entry] {
        try await loadAll().walk(directory)
    }

    /// A path with all symbolic links followed inside the root (`scoped()`).
    package func resolve(_ path: [UInt8], followLast: Bool = true) async throws(TreeError) -> Resolution {
        try await Resolution.of(path, followLast: followLast) { path async throws(TreeError) in try await lookup(path) }
    }

    /// The content of a small file that the layer's index keeps, such as `etc/passwd`.
    package func keptContent(of entry: Entry) async throws(TreeError) -> [UInt8]? {
        guard let origin = entry.origin, slots.indices.contains(origin.layer) else { return nil }
        return try await slots[origin.layer].index().content(of: entry.path)
    }
}

/// The state of a lookup that visits layers from the top to the bottom.
struct LayerSearch {
    private var path: [UInt8]
    private var isImplied = false
    private var isDone = false
    private var hops = 0
    private(set) var result: Entry?
    private let wanted: [UInt8]
    /// Where to go on when a hard link points to a path of its own or a lower layer.
    private var restart: Int?

    init(_ path: [UInt8]) {
        self.path = path
        wanted = path
        if path.isEmpty {
            isDone = true
            result = .impliedDirectory([])
        }
    }

    /// The layer to ask next, or nil when the answer is known.
    func next(below position: Int) -> Int? {
        if isDone { return nil }
        let candidate = restart ?? position - 1
        return candidate >= 0 ? candidate : nil
    }

    mutating func ask(_ layer: LayerIndex, slot: Int) {
        restart = nil
        switch layer.probe(path) {
        case .silent: return
        case .hidden: isDone = true
        case .impliedDirectory(let hidesLower):
            if !isImplied, result == nil { result = .impliedDirectory(wanted) }
            isImplied = true
            isDone = hidesLower
        case .entry(let position):
            found(layer.entry(at: position, slot: slot, path: wanted), slot: slot)
        }
    }

    private mutating func found(_ entry: Entry, slot: Int) {
        isDone = true
        if isImplied {
            if entry.isDirectory { result = entry }
            return
        }
        guard entry.kind == .hardlink else {
            result = entry
            return
        }
        // The file that the link names lies in a lower layer.
        hops += 1
        guard hops < 32, entry.linkTarget != path, !entry.linkTarget.isEmpty else { return }
        path = entry.linkTarget
        restart = slot
        isDone = false
    }
}
