import ImgDockerfile
import ImgOCI
import ImgReport
import ImgStream
import ImgTree

/// A directory on disk as far as it has been read, ignore rules applied; not shared between threads.
struct ContextIndex {
    struct Node {
        enum Visibility: UInt8 {
            case visible
            case ignored
            /// An ignored directory of which it is not known yet whether an exception brings something below it back.
            case undecided
        }

        var size: Int64
        var seconds: Int64
        var changedSeconds: Int64
        var device: UInt64
        var inode: UInt64
        var changedNanoseconds: Int32
        var nanoseconds: Int32
        var parent: Int32
        var nameStart: UInt32
        var nameLength: UInt16
        var mode: UInt16
        var kind: EntryKind
        var visibility: Visibility
        var isShared: Bool
        var linkStart: UInt32
        var linkLength: UInt32
        var deviceMajor: UInt32
        var deviceMinor: UInt32
        /// The pattern that ignores it, or -1.
        var pattern: Int32
        /// Position of the first child; -1 while the directory has not been read.
        var firstChild: Int32
        var childCount: Int32
        /// The node that stands for all hard links of a file.
        var leader: Int32
    }

    private struct Identity: Hashable {
        var device: UInt64
        var inode: UInt64
    }

    private let root: DirectoryRoot
    private let patterns: IgnorePatterns?
    private var nodes: [Node] = []
    private var text: [UInt8] = []
    private var leaders: [Identity: Int32] = [:]
    /// Of directories that have not been read.
    private var states: [Int32: IgnorePatterns.State] = [:]

    init(root: DirectoryRoot, patterns: IgnorePatterns?) {
        self.root = root
        self.patterns = patterns
        nodes.append(.directoryRoot)
        if let patterns { states[0] = patterns.initialState }
    }

    /// Number of paths read so far, the root included.
    var count: Int { nodes.count }

    // MARK: Questions

    mutating func lookup(_ path: [UInt8]) throws(BuildError) -> Entry? {
        guard let node = try find(path), try isVisible(node) else { return nil }
        return entry(node, path: path)
    }

    mutating func children(of directory: [UInt8]) throws(BuildError) -> [Entry] {
        guard let node = try find(directory), nodes[node].kind == .directory else { return [] }
        var found: [Entry] = []
        for child in try readChildren(of: node, path: directory) where try isVisible(child) {
            found.append(entry(child, path: TreePath.join(directory, name(child))))
        }
        return found
    }

    mutating func descendants(of directory: [UInt8]) throws(BuildError) -> [Entry] {
        guard let node = try find(directory), nodes[node].kind == .directory else { return [] }
        var found: [Entry] = []
        // Read before, so that the entries are not copied while they become more.
        found.reserveCapacity(try countDescendants(of: node, path: directory))
        try collect(node, path: directory, into: &found)
        return found
    }

    /// Reads a directory and everything in it, without an answer.
    mutating func readAll(below path: [UInt8]) throws(BuildError) {
        guard let node = try find(path), nodes[node].kind == .directory else { return }
        _ = try countDescendants(of: node, path: path)
    }

    private mutating func countDescendants(of node: Int, path: [UInt8]) throws(BuildError) -> Int {
        var count = 0
        for child in try readChildren(of: node, path: path) where try isVisible(child) {
            count += 1
            if nodes[child].kind == .directory {
                count += try countDescendants(of: child, path: TreePath.join(path, name(child)))
            }
        }
        return count
    }

    private mutating func collect(_ node: Int, path: [UInt8], into found: inout [Entry]) throws(BuildError) {
        for child in try readChildren(of: node, path: path) where try isVisible(child) {
            let inner = TreePath.join(path, name(child))
            found.append(entry(child, path: inner))
            if nodes[child].kind == .directory { try collect(child, path: inner, into: &found) }
        }
    }

    /// The state of a file when it was read.
    func identity(of entry: Entry) -> FileIdentity? {
        guard let position = entry.origin?.ordinal, nodes.indices.contains(position) else { return nil }
        let node = nodes[position]
        return FileIdentity(
            device: node.device,
            inode: node.inode,
            modified: Timestamp(seconds: node.seconds, nanoseconds: node.nanoseconds),
            changed: Timestamp(seconds: node.changedSeconds, nanoseconds: node.changedNanoseconds)
        )
    }

    /// The pattern that keeps a path from being seen, and the path that it matched.
    mutating func ignoringPattern(of path: [UInt8]) throws(BuildError) -> (pattern: Int, path: [UInt8])? {
        var node = 0
        var reached: [UInt8] = []
        for component in path.split(separator: UInt8(ascii: "/")) {
            guard nodes[node].kind == .directory, let child = try child(of: node, path: reached, named: component)
            else {
                return nil
            }
            node = child
            reached = TreePath.join(reached, component)
            if try !isVisible(node), nodes[node].pattern >= 0 { return (Int(nodes[node].pattern), reached) }
        }
        return nil
    }

    // MARK: Reading

    private mutating func find(_ path: [UInt8]) throws(BuildError) -> Int? {
        var node = 0
        var reached: [UInt8] = []
        for component in path.split(separator: UInt8(ascii: "/")) {
            guard nodes[node].kind == .directory, let child = try child(of: node, path: reached, named: component)
            else {
                return nil
            }
            node = child
            reached = TreePath.join(reached, component)
        }
        return node
    }

    private mutating func child(
        of node: Int,
        path: [UInt8],
        named component: ArraySlice<UInt8>
    ) throws(BuildError) -> Int? {
        let range = try readChildren(of: node, path: path)
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = low + (high - low) / 2
            if name(middle).lexicographicallyPrecedes(component) { low = middle + 1 } else { high = middle }
        }
        return low < range.upperBound && name(low) == component ? low : nil
    }

    /// Positions of a directory's children, reading it if need be.
    private mutating func readChildren(of node: Int, path: [UInt8]) throws(BuildError) -> Range<Int> {
        if nodes[node].firstChild < 0 {
            if Task.isCancelled { throw BuildError(.interrupted, "interrupted") }
            let listing = try root.list(path)
            try demandReadable(listing, path, states[Int32(node)])
            let first = nodes.count
            let state = states.removeValue(forKey: Int32(node))
            for item in listing.items where item.failure == 0 {
                append(item, name: listing.name(item), parent: node, path: path, state: state)
            }
            nodes[node].firstChild = Int32(first)
            nodes[node].childCount = Int32(nodes.count - first)
        }
        let first = Int(nodes[node].firstChild)
        return first..<first + Int(nodes[node].childCount)
    }

    /// What is excluded may be out of reach; anything else must not be missing from the image in silence.
    func demandReadable(
        _ listing: DirectoryListing,
        _ path: [UInt8],
        _ state: IgnorePatterns.State?
    ) throws(BuildError) {
        for item in listing.items where item.failure != 0 {
            let inner = TreePath.join(path, listing.name(item))
            if let patterns, let state, patterns.canPrune(inner),
                patterns.evaluate(path: inner, parent: state).ignored
            {
                continue
            }
            throw root.unreadable(inner, item.failure)
        }
    }

    private mutating func append(
        _ item: DirectoryListing.Item,
        name: ArraySlice<UInt8>,
        parent: Int,
        path: [UInt8],
        state: IgnorePatterns.State?
    ) {
        let position = Int32(nodes.count)
        var node = Node(item, parent: Int32(parent), textStart: text.count, nameLength: name.count, position: position)
        text.append(contentsOf: name)
        text.append(contentsOf: item.linkTarget)
        if item.isShared {
            let identity = Identity(device: item.device, inode: item.inode)
            node.leader = leaders[identity] ?? position
            if node.leader == position { leaders[identity] = position }
        }
        if let patterns, let state {
            let inner = TreePath.join(path, name)
            let isDirectory = node.kind == .directory
            let verdict = patterns.evaluate(path: inner, parent: state)
            if verdict.ignored {
                node.pattern = Int32(verdict.decidedBy ?? -1)
                node.visibility = isDirectory && !patterns.canPrune(inner) ? .undecided : .ignored
            }
            if isDirectory { states[position] = verdict.state }
        }
        nodes.append(node)
    }

    /// An ignored directory is there as soon as something below it is (IGN-8).
    private mutating func isVisible(_ node: Int) throws(BuildError) -> Bool {
        switch nodes[node].visibility {
        case .visible: return true
        case .ignored: return false
        case .undecided:
            var isVisible = false
            for child in try readChildren(of: node, path: path(of: node)) where try self.isVisible(child) {
                isVisible = true
                break
            }
            nodes[node].visibility = isVisible ? .visible : .ignored
            return isVisible
        }
    }

    private func name(_ node: Int) -> ArraySlice<UInt8> {
        let start = Int(nodes[node].nameStart)
        return text[start..<start + Int(nodes[node].nameLength)]
    }

    private func path(of node: Int) -> [UInt8] {
        node == 0 ? [] : TreePath.join(path(of: Int(nodes[node].parent)), name(node))
    }

    /// Files of a context belong to root (CTX-3).
    private func entry(_ position: Int, path: [UInt8]) -> Entry {
        let node = nodes[position]
        let linkStart = Int(node.linkStart)
        var entry = Entry(path: path, kind: node.kind, mode: node.mode)
        entry.size = node.size
        entry.mtime = Timestamp(seconds: node.seconds, nanoseconds: node.nanoseconds)
        if node.linkLength > 0 { entry.linkTarget = Array(text[linkStart..<linkStart + Int(node.linkLength)]) }
        entry.deviceMajor = node.deviceMajor
        entry.deviceMinor = node.deviceMinor
        entry.origin = Entry.Origin(layer: 0, ordinal: Int(node.leader))
        entry.isShared = node.isShared
        return entry
    }
}

extension ContextIndex.Node {
    fileprivate static let directoryRoot = Self(
        DirectoryListing.Item(kind: .directory, mode: 0o755),
        parent: 0,
        textStart: 0,
        nameLength: 0,
        position: 0
    )

    fileprivate init(
        _ item: DirectoryListing.Item,
        parent: Int32,
        textStart: Int,
        nameLength: Int,
        position: Int32
    ) {
        size = item.size
        seconds = item.mtime.seconds
        changedSeconds = item.ctime.seconds
        changedNanoseconds = item.ctime.nanoseconds
        device = item.device
        inode = item.inode
        nanoseconds = item.mtime.nanoseconds
        self.parent = parent
        nameStart = UInt32(truncatingIfNeeded: textStart)
        self.nameLength = UInt16(truncatingIfNeeded: nameLength)
        mode = item.mode
        kind = item.kind
        visibility = .visible
        isShared = item.isShared
        linkStart = UInt32(truncatingIfNeeded: textStart + nameLength)
        linkLength = UInt32(truncatingIfNeeded: item.linkTarget.count)
        deviceMajor = item.deviceMajor
        deviceMinor = item.deviceMinor
        pattern = -1
        firstChild = -1
        childCount = 0
        leader = position
    }
}
