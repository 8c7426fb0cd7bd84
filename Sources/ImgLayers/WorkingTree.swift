import ImgOCI
import ImgReport
import ImgStream
import ImgTree

/// A stage's file system while one instruction changes it: the changes so far, over the tree as it was before.
struct WorkingTree {
    /// One file system object; hard links are several places of one.
    struct Node {
        var kind: EntryKind
        var mode: UInt16
        var uid: UInt32
        var gid: UInt32
        var size: Int64 = 0
        /// nil for what the instruction invents: filled in at the end (REP-7).
        var mtime: Timestamp?
        var linkTarget: [UInt8] = []
        var deviceMajor: UInt32 = 0
        var deviceMinor: UInt32 = 0
        var capability: [UInt8]?
        var content: ContentRef?
        var source: Int?
        /// How often it was put somewhere.
        var placements = 0
    }

    private struct Place {
        var key: PathKey
        var node: Int
        /// Whether lower layers do not shine through below this path.
        var hidesBase: Bool
        /// False once something took its place.
        var isThere = true
    }

    private let base: StageTree
    private var nodes = PiecewiseArray<Node>()
    /// As they came, nearly sorted.
    private var places: [Place] = []
    /// Positions of the places that are there.
    private var positions: [PathKey: Int32] = [:]
    /// The directory that something was last put into: the next path mostly has the same.
    private var recent: (key: PathKey, position: Int)?
    /// Whether something of the base was removed, so that whiteouts may be due (LAY-5).
    private var hasRemoved = false

    init(over base: StageTree) {
        self.base = base
    }

    // MARK: Questions

    /// One path without following links, as it is now.
    func lookup(_ path: [UInt8]) async throws(BuildError) -> Entry? {
        if path.isEmpty { return .impliedDirectory([]) }
        if let place = place(at: PathKey(path)) { return nodes[place.node].entry(path) }
        var end = path.lastIndex(of: UInt8(ascii: "/"))
        while let slash = end {
            if let place = place(at: PathKey(path, count: slash)) {
                if place.hidesBase || nodes[place.node].kind != .directory { return nil }
                break
            }
            end = path[..<slash].lastIndex(of: UInt8(ascii: "/"))
        }
        return try await base.lookup(path)
    }

    private func place(at key: PathKey) -> Place? {
        if let recent, recent.key == key { return places[recent.position] }
        return positions[key].map { places[Int($0)] }
    }

    /// A path with links followed, inside `root`.
    func resolve(
        _ path: [UInt8],
        in root: [UInt8] = [],
        followLast: Bool = true
    ) async throws(BuildError) -> Resolution {
        var resolution = try await Resolution.of(path, followLast: followLast) { inner async throws(BuildError) in
            try await lookup(TreePath.join(root, inner))
        }
        resolution.path = TreePath.join(root, resolution.path)
        return resolution
    }

    /// Whether this instruction has put something at a path.
    func isChanged(_ path: [UInt8]) -> Bool { place(at: PathKey(path)) != nil }

    /// The node at a path, taken over from the base if need be; nil when nothing is there.
    mutating func node(at path: [UInt8]) async throws(BuildError) -> Int? {
        if let place = place(at: PathKey(path)) { return place.node }
        guard let entry = try await lookup(path) else { return nil }
        return try await adopt(entry)
    }

    // MARK: Changes

    /// Makes room for so many more objects.
    mutating func reserve(_ count: Int) {
        places.reserveCapacity(places.count + count)
        positions.reserveCapacity(positions.count + count)
    }

    /// Adds an object that can have several places.
    mutating func add(_ node: Node) -> Int {
        nodes.append(node)
        return nodes.count - 1
    }

    mutating func update(_ node: Int, _ change: (inout Node) -> Void) {
        change(&nodes[node])
    }

    /// Puts an object at a path whose parent is a directory; what was there is gone, a directory's content with it.
    ///
    /// - Parameter existing: What ``lookup(_:)`` said about the path.
    mutating func put(_ node: Int, at path: [UInt8], replacing existing: Entry?) async throws(BuildError) {
        try await adoptAncestors(of: path)
        nodes[node].placements += 1
        let isDirectory = nodes[node].kind == .directory
        if !isDirectory, existing?.isDirectory == true {
            hasRemoved = true
            recent = nil
            for position in places.indices where TreePath.isBelow(places[position].key.bytes, path[...]) {
                guard places[position].isThere else { continue }
                places[position].isThere = false
                positions[places[position].key] = nil
            }
        }
        let key = PathKey(path)
        let before = positions[key].map(Int.init)
        let hidesBase =
            !isDirectory || existing?.isDirectory != true || before.map { places[$0].hidesBase } == true
        if let before {
            places[before].node = node
            places[before].hidesBase = hidesBase
        } else {
            positions[key] = Int32(places.count)
            places.append(Place(key: key, node: node, hidesBase: hidesBase))
        }
    }

    /// Makes a directory and those that lead to it, links followed; existing ones stay as they are (CP-10, CP-19).
    ///
    /// - Returns: Where the links led.
    mutating func makeDirectories(
        _ path: [UInt8],
        in root: [UInt8] = [],
        like template: ImpliedDirectory
    ) async throws(BuildError) -> [UInt8] {
        let resolution = try await resolve(path, in: root)
        switch resolution.outcome {
        case .notDirectory(let blocker):
            throw BuildError(.failure, "mkdir \(TreePath.join(root, blocker).shown): not a directory")
        case .tooManyLinks:
            throw BuildError(.failure, "mkdir \(TreePath.join(root, path).shown): too many links")
        case .tooLong:
            throw BuildError(.failure, "mkdir \(TreePath.join(root, path).shown): file name too long")
        case .found:
            guard resolution.entry?.isDirectory == true else {
                throw BuildError(.failure, "mkdir \(resolution.path.shown): not a directory")
            }
        case .missing:
            var parent = Entry.impliedDirectory([])
            for component in resolution.path.split(separator: UInt8(ascii: "/")) {
                let path = TreePath.join(parent.path, component)
                if let existing = try await lookup(path) {
                    parent = existing
                    continue
                }
                let node = template.node(in: parent)
                try await put(add(node), at: path, replacing: nil)
                parent = node.entry(path)
            }
        }
        return resolution.path
    }

    private mutating func adopt(_ entry: Entry) async throws(BuildError) -> Int {
        let node = add(Node(entry, content: base.content(of: entry)))
        try await put(node, at: entry.path, replacing: entry)
        return node
    }

    /// Ancestors are part of the layer with what they are in the base (LAY-2).
    private mutating func adoptAncestors(of path: [UInt8]) async throws(BuildError) {
        var missing: [PathKey] = []
        var end = path.lastIndex(of: UInt8(ascii: "/"))
        if let end, let recent, recent.key == PathKey(path, count: end) { return }
        while let slash = end, positions[PathKey(path, count: slash)] == nil {
            missing.append(PathKey(path, count: slash))
            end = path[..<slash].lastIndex(of: UInt8(ascii: "/"))
        }
        for ancestor in missing.reversed() {
            let existing = try await lookup(Array(ancestor.bytes))
            let node = add(
                existing.map { Node($0, content: nil) } ?? Node(kind: .directory, mode: 0o755, uid: 0, gid: 0)
            )
            positions[ancestor] = Int32(places.count)
            places.append(Place(key: ancestor, node: node, hidesBase: existing == nil))
        }
        guard let parent = path.lastIndex(of: UInt8(ascii: "/")).map({ PathKey(path, count: $0) }) else { return }
        recent = positions[parent].map { (parent, Int($0)) }
    }

    // MARK: The layer

    /// The layer's entries in the order of LAY-2; the tree is of no use afterwards.
    ///
    /// - Parameters:
    ///   - invented: The time of what the instruction made up.
    ///   - clamp: No entry is later.
    mutating func takeEntries(invented: Timestamp, clamp: Timestamp?) async throws(BuildError) -> [LayerEntry] {
        if hasRemoved { places.removeAll { !$0.isThere } }
        places.sort { PathOrder.compare($0.key.bytes, $1.key.bytes) < 0 }
        recent = nil
        // From here on only whiteouts ask what is there; a large tree makes room for its entries.
        positions = [:]
        if hasRemoved { for (position, place) in places.enumerated() { positions[place.key] = Int32(position) } }
        // Paths are placed nearly in their order, so that pieces of nodes are done with one after the other.
        var uses = [Int](repeating: 0, count: nodes.pieceCount)
        for place in places { uses[nodes.piece(of: place.node)] += 1 }
        var firstPlaces: [Int: [UInt8]] = [:]
        var entries: [LayerEntry] = []
        entries.reserveCapacity(places.count)
        for place in places {
            let path = Array(place.key.bytes)
            let node = nodes[place.node]
            let piece = nodes.piece(of: place.node)
            uses[piece] -= 1
            if uses[piece] == 0 { nodes.release(piece) }
            var header = node.header(path, mtime: min(node.mtime ?? invented, clamp ?? .distantFuture))
            if node.kind == .directory {
                entries.append(LayerEntry(header: header, source: node.source))
                if hasRemoved, place.hidesBase { entries += try await whiteouts(in: path) }
                continue
            }
            if node.placements > 1, let first = firstPlaces[place.node] {
                header.kind = .hardlink
                header.linkTarget = first
                header.size = 0
                header.xattrs = []
                entries.append(LayerEntry(header: header, source: node.source))
                continue
            }
            if node.placements > 1, node.kind == .file { firstPlaces[place.node] = path }
            entries.append(LayerEntry(header: header, content: node.content, source: node.source))
        }
        if hasRemoved { entries.sort { PathOrder.precedes($0.sortingPath, $1.sortingPath) } }
        return entries
    }

    /// What a recreated directory of the base no longer holds.
    private func whiteouts(in directory: [UInt8]) async throws(BuildError) -> [LayerEntry] {
        guard let before = try await base.lookup(directory), before.isDirectory else { return [] }
        var found: [LayerEntry] = []
        for child in try await base.children(of: directory) where place(at: PathKey(child.path)) == nil {
            let name = Array(".wh.".utf8) + TreePath.name(child.path)
            var header = Node(kind: .file, mode: 0, uid: 0, gid: 0)
                .header(TreePath.join(directory, name), mtime: .epoch)
            header.size = 0
            found.append(LayerEntry(header: header, content: .bytes([])))
        }
        return found
    }
}

/// A path, or the beginning of one with which it shares its memory.
private struct PathKey: Hashable {
    private let whole: [UInt8]
    private let count: Int32

    init(_ path: [UInt8]) {
        self.init(path, count: path.count)
    }

    /// - Parameter count: Bytes of `path` that count.
    init(_ path: [UInt8], count: Int) {
        whole = path
        self.count = Int32(count)
    }

    var bytes: ArraySlice<UInt8> { whole[..<Int(count)] }

    static func == (left: PathKey, right: PathKey) -> Bool { left.bytes == right.bytes }

    func hash(into hasher: inout Hasher) {
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}

extension LayerEntry {
    /// A whiteout sorts where the name that it removes would be (LAY-5).
    fileprivate var sortingPath: [UInt8] {
        let name = TreePath.name(header.path)
        guard name.starts(with: ".wh.".utf8), header.mode == 0, header.size == 0 else { return header.path }
        return TreePath.join(TreePath.parent(header.path), name.dropFirst(4))
    }
}

extension Timestamp {
    fileprivate static let distantFuture = Timestamp(seconds: .max)
}

extension WorkingTree.Node {
    /// An object as it is elsewhere.
    init(_ entry: Entry, content: ContentRef?) {
        self.init(
            kind: entry.kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            size: entry.size,
            mtime: entry.mtime,
            linkTarget: entry.linkTarget,
            deviceMajor: entry.deviceMajor,
            deviceMinor: entry.deviceMinor,
            capability: entry.capability,
            content: content
        )
    }

    fileprivate func entry(_ path: [UInt8]) -> Entry {
        var entry = Entry(path: path, kind: kind, mode: mode)
        entry.uid = uid
        entry.gid = gid
        entry.size = size
        entry.mtime = mtime ?? .epoch
        entry.linkTarget = linkTarget
        entry.deviceMajor = deviceMajor
        entry.deviceMinor = deviceMinor
        entry.capability = capability
        return entry
    }

    fileprivate func header(_ path: [UInt8], mtime: Timestamp) -> TarHeader {
        var header = TarHeader(path: path, kind: kind)
        header.mode = kind == .symlink ? 0o777 : mode
        header.uid = uid
        header.gid = gid
        header.size = kind == .file ? size : 0
        header.mtime = Timestamp(seconds: mtime.seconds)
        header.linkTarget = linkTarget
        header.deviceMajor = deviceMajor
        header.deviceMinor = deviceMinor
        if let capability { header.xattrs = [(name: "security.capability", value: capability)] }
        return header
    }
}
