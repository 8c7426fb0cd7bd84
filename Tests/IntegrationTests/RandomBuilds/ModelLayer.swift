/// What one COPY, ADD or WORKDIR changes in a tree, by the rules of BuildKit for what the generator asks.
struct ModelLayer {
    struct Flags {
        var owner: (uid: Int, gid: Int)?
        var chmod: Chmod?
        var isLink = false
        var excludes: [ModelPattern] = []
    }

    /// A value of `--chmod` with what it does.
    struct Chmod: Sendable {
        var text: String
        var octal: Int?
        var apply: @Sendable (_ mode: Int, _ isDirectory: Bool) -> Int
    }

    private(set) var tree: ModelTree
    private var changed: Set<String> = []
    /// Directories from before that have been something else in between.
    private var hidden: Set<String> = []
    /// Whether what was before is not seen (`--link`).
    private let isAlone: Bool
    private let flags: Flags
    private let before: ModelTree
    private var lastGroup: Int

    /// - Parameter serial: Number of the instruction; its hard links are its own.
    init(over tree: ModelTree, flags: Flags = Flags(), serial: Int) {
        before = tree
        lastGroup = serial << 16
        self.flags = flags
        // `--chmod` turns `--link` off (CP-42).
        isAlone = flags.isLink && flags.chmod == nil
        self.tree = isAlone ? [:] : tree
    }

    // MARK: Changes

    /// A directory's content, or a file, into or onto the destination (CP-9…CP-21).
    mutating func copy(
        _ path: String,
        named name: String,
        of source: ModelTree,
        to destination: String
    ) throws(Unwanted) {
        let isDirectoryForm = destination.hasSuffix("/")
        let place = destination.split(separator: "/").joined(separator: "/")
        if path.isEmpty || source[path]?.kind == .directory {
            let place = try makeDirectories(place)
            let wanted = source.below(path)
                .filter { inner in
                    let relative = path.isEmpty ? inner : String(inner.dropFirst(path.count + 1))
                    return !flags.excludes.contains { $0.covers(relative) }
                }
            try copy(wanted, of: source, dropping: path, into: place)
            return
        }
        guard var object = source[path] else { throw Unwanted() }
        try makeDirectories(isDirectoryForm ? place : ModelPath.parent(place))
        object.group = nil
        let end = try tree.follow(place).path
        // What a dangling link names is made, with all that leads there.
        try makeDirectories(ModelPath.parent(end))
        let isInside = end.isEmpty || tree[end]?.kind == .directory
        try put(object, at: isInside ? ModelPath.join(end, name) : end)
    }

    /// `--parents` with a path without wildcards (CP-36…CP-40).
    mutating func copyWithParents(
        _ path: String,
        below root: String,
        of source: ModelTree,
        to destination: String
    ) throws(Unwanted) {
        let place = destination.split(separator: "/").joined(separator: "/")
        let whole = ModelPath.join(root, path)
        let matches = ([whole] + source.below(whole))
            .filter { inner in
                let relative = root.isEmpty ? inner : String(inner.dropFirst(root.count + 1))
                return !flags.excludes.contains { $0.covers(relative) }
            }
        let end = try makeDirectories(place)
        guard !matches.isEmpty else { return }
        let ancestors = ModelPath.prefixes(path).dropLast().map { ModelPath.join(root, $0) }
        try copy(ancestors + matches, of: source, dropping: root, into: end)
    }

    private mutating func copy(
        _ paths: [String],
        of source: ModelTree,
        dropping top: String,
        into place: String
    ) throws(Unwanted) {
        var groups: [Int: Int] = [:]
        for path in paths {
            guard var object = source[path] else { throw Unwanted() }
            if let group = object.group {
                object.group = freshGroup(of: group, &groups)
            }
            try put(object, at: ModelPath.join(place, top.isEmpty ? path : String(path.dropFirst(top.count + 1))))
        }
    }

    private mutating func freshGroup(of group: Int, _ groups: inout [Int: Int]) -> Int {
        if let known = groups[group] { return known }
        lastGroup += 1
        groups[group] = lastGroup
        return lastGroup
    }

    /// An object with the flags' owner and mode (CP-15, CP-16).
    mutating func put(_ original: ModelObject, at path: String) throws(Unwanted) {
        guard !path.isEmpty else { throw Unwanted() }
        var object = original
        if let owner = flags.owner { (object.uid, object.gid) = owner }
        if let chmod = flags.chmod, object.kind != .symlink {
            object.mode = chmod.apply(object.mode, object.kind == .directory)
        }
        try replace(path, with: object)
    }

    private mutating func replace(_ path: String, with object: ModelObject) throws(Unwanted) {
        if let existing = tree[path], (existing.kind == .directory) != (object.kind == .directory) { throw Unwanted() }
        tree[path] = object
        changed.insert(path)
    }

    /// Missing directories with what the flags say, links followed (CP-10, CP-19).
    ///
    /// - Returns: Where the links led.
    @discardableResult
    mutating func makeDirectories(_ path: String) throws(Unwanted) -> String {
        try makeDirectories(path, mode: (flags.chmod?.octal).map { $0 & 0o777 } ?? 0o755)
    }

    @discardableResult
    private mutating func makeDirectories(_ path: String, mode: Int) throws(Unwanted) -> String {
        let path = try tree.follow(path).path
        try makeDirectories(path, mode: mode, owner: flags.owner)
        return path
    }

    /// A set-group-ID directory hands down its bit, and its group unless there is an owner, as mkdir(2) has it.
    private mutating func makeDirectories(
        _ path: String,
        mode: Int,
        owner: (uid: Int, gid: Int)?
    ) throws(Unwanted) {
        var parent = ModelObject.directory()
        for step in ModelPath.prefixes(path) {
            if let existing = tree[step] {
                guard existing.kind == .directory else { throw Unwanted() }
                parent = existing
                continue
            }
            let bit = parent.mode & 0o2000
            parent = .directory(
                mode | bit,
                uid: owner?.uid ?? 0,
                gid: owner?.gid ?? (bit == 0 ? 0 : parent.gid)
            )
            try replace(step, with: parent)
        }
    }

    /// Members of an archive: their own modes, and owners unless `--chown` is there (ARC-5…ARC-7).
    mutating func unpack(_ members: [ModelMember], to destination: String) throws(Unwanted) {
        let place = destination.split(separator: "/").joined(separator: "/")
        let top = try makeDirectories(place, mode: 0o755)
        var groups: [Int: Int] = [:]
        var owners: [Int: ModelObject] = [:]
        for member in members {
            var object = member.object
            if let owner = flags.owner { (object.uid, object.gid) = owner }
            let path = ModelPath.join(top, member.path)
            try makeDirectories(ModelPath.parent(path), mode: 0o755, owner: (0, 0))
            if let group = object.group {
                let fresh = freshGroup(of: group, &groups)
                object.group = fresh
                owners[fresh] = object
            }
            try substitute(path, with: object)
        }
        // The header of a hard link counts for the file it names, too.
        for (path, object) in tree {
            guard let last = object.group.flatMap({ owners[$0] }) else { continue }
            var shared = object
            (shared.mode, shared.uid, shared.gid) = (last.mode, last.uid, last.gid)
            tree[path] = shared
        }
    }

    /// Whatever is there makes room (ARC-6).
    private mutating func substitute(_ path: String, with object: ModelObject) throws(Unwanted) {
        if tree[path]?.kind == .directory, object.kind != .directory {
            if !isAlone, before[path]?.kind == .directory { hidden.insert(path) }
            for inner in tree.below(path) {
                tree[inner] = nil
                changed.remove(inner)
            }
        }
        tree[path] = nil
        try replace(path, with: object)
    }

    // MARK: The result

    /// The tree of the stage with this layer on it.
    func merged() throws(Unwanted) -> ModelTree {
        guard isAlone else { return tree }
        var result = before
        for (path, object) in tree {
            if let existing = result[path], (existing.kind == .directory) != (object.kind == .directory) {
                throw Unwanted()
            }
            result[path] = object
        }
        return result
    }

    /// What GNU tar says about the layer, an entry a line (LAY-1, LAY-2, LAY-4, LAY-5).
    func listing() -> [String] {
        let gone = whiteouts()
        let paths = Set(changed.flatMap { ModelPath.prefixes($0) }).union(gone).sorted(by: ModelPath.precedes)
        var leaders: [Int: String] = [:]
        return paths.compactMap { path in
            if gone.contains(path) {
                let name = ModelPath.join(ModelPath.parent(path), ".wh." + ModelPath.name(path))
                return TarListing.line(name, ModelObject(kind: .file, mode: 0))
            }
            guard let object = tree[path] else { return nil }
            if let group = object.group {
                if let leader = leaders[group] { return TarListing.hardlink(path, object, to: leader) }
                leaders[group] = path
            }
            return TarListing.line(path, object)
        }
    }

    /// What was in a directory that is another one now.
    private func whiteouts() -> Set<String> {
        guard !hidden.isEmpty else { return [] }
        let gone = before.keys.filter { path in
            let parent = ModelPath.parent(path)
            return tree[path] == nil && tree[parent]?.kind == .directory && before[parent]?.kind == .directory
                && ModelPath.prefixes(parent).contains(where: hidden.contains)
        }
        return Set(gone)
    }
}
