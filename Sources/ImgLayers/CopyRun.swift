import ImgDockerfile
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTree

/// One COPY or ADD at work.
struct CopyRun {
    let step: CopyStep
    let source: any SourceTree
    let resolver: CopyResolver
    /// Clean and relative.
    let destination: [UInt8]
    /// Whether the destination was written with a trailing `/` or `/.` (CP-9).
    let isDirectoryForm: Bool
    let owner: Owner?
    let exclude: IgnorePatterns?
    var tree: WorkingTree
    var sourcePosition = 0
    private var newest: Timestamp?
    private var warnings: [Diagnostic]
    private var hasWarnedOfWhiteout = false
    private let range: SourceRange?

    init(
        _ step: CopyStep,
        range: SourceRange?,
        source: any SourceTree,
        stage: StageTree,
        resolver: CopyResolver
    ) async throws(BuildError) {
        self.step = step
        self.source = source
        self.range = range
        self.resolver = resolver
        let text = Array(step.destination.utf8)
        destination = TreePath.relative(text)
        isDirectoryForm = destination.isEmpty || text.last == UInt8(ascii: "/") || text.suffix(2) == [0x2f, 0x2e][...]
        // `--link` sees an empty file system (CP-41); names have nothing to be looked up in (CP-28).
        let below = step.link ? StageTree() : stage
        tree = WorkingTree(over: below)
        var owners = OwnerResolver(stage: below, content: resolver.content, range: range)
        owner = if let spec = step.owner { try await owners.resolve(spec) } else { nil }
        warnings = owners.warnings
        exclude =
            if step.excludes.isEmpty { nil } else { try IgnorePatterns(patterns: step.excludes, trimmingSlash: false) }
    }

    /// The layer; the run is of no use afterwards.
    mutating func finish() async throws(BuildError) -> LayerSpec {
        let invented = resolver.times.epoch ?? newest ?? .epoch
        let entries = try await tree.takeEntries(invented: invented, clamp: resolver.times.clamp)
        return LayerSpec(entries: entries, newestSourceTime: newest, warnings: warnings)
    }

    // MARK: Sources

    /// A path operand: one entry, or what its wildcards match (CP-1…CP-3).
    mutating func copyPath(_ operand: [UInt8]) async throws(BuildError) {
        if step.parents { return try await copyWithParents(operand) }
        let path = TreePath.relative(operand)
        guard Wildcards.areIn(path) else {
            let entry = try await existing(path)
            return try await copyTop(entry, named: path.isEmpty ? [] : Array(TreePath.name(path)))
        }
        for match in try await wildcardMatches(path) {
            let entry = try await existing(match.path)
            try await copyTop(entry, named: Array(TreePath.name(match.path)))
        }
    }

    /// What wildcards match; that may be nothing (CP-6), but the directory that is written before them must be there.
    func wildcardMatches(_ path: [UInt8]) async throws(BuildError) -> [Entry] {
        let (base, pattern) = Wildcards.split(path)
        let directory = try await source.resolve(base)
        switch directory.outcome {
        case .found: break
        case .missing:
            throw try await missing(base, directory, "lstat \(directory.path.shown): no such file or directory")
        case .notDirectory: throw try await missing(base, directory, "lstat \(base.shown): not a directory")
        case .tooManyLinks, .tooLong: throw unresolvable(base, directory.outcome)
        }
        guard directory.entry?.isDirectory == true else { return [] }
        return try await Wildcards.matches(of: pattern, below: directory.path, in: source)
    }

    /// What a path leads to inside the source, links followed (CP-2).
    func existing(_ path: [UInt8]) async throws(BuildError) -> Entry {
        let resolution = try await source.resolve(path)
        switch resolution.outcome {
        case .found:
            if let entry = resolution.entry { return entry }
        case .tooManyLinks, .tooLong: throw unresolvable(path, resolution.outcome)
        case .missing, .notDirectory: break
        }
        if source.isVoid { throw BuildError(.failure, "lstat \(path.shown): no such file or directory") }
        throw try await missing(path, resolution, "\"\(path.shown)\": not found")
    }

    private func unresolvable(_ path: [UInt8], _ outcome: Resolution.Outcome) -> BuildError {
        let reason = outcome == .tooLong ? "file name too long" : "too many links"
        return BuildError(.failure, "\"\(path.shown)\": \(reason)")
    }

    private func missing(
        _ path: [UInt8],
        _ resolution: Resolution,
        _ message: String
    ) async throws(BuildError) -> BuildError {
        var hints: [String] = []
        if resolution.path != path, try await source.lookup(path)?.kind == .symlink {
            hints.append("\(path.shown) is a symbolic link to \(resolution.path.shown), which is not in the source")
        }
        hints += await source.hints(forMissing: resolution.path)
        return BuildError(.failure, message, hints: hints)
    }

    /// A download or checkout.
    mutating func copy(_ fetched: FetchedSource) async throws(BuildError) {
        switch fetched {
        case .directory(let checkout):
            try await copyDirectory(.impliedDirectory([]), of: checkout)
        case .file(let file):
            if step.unpack == true, try await unpack(file.content, named: file.name) { return }
            if let time = file.mtime { note(time) }
            let entry = FetchedEntry(file)
            try await copyFile(entry.node(source: sourcePosition), named: file.name)
        }
    }

    /// An in-memory file (HD-10).
    mutating func copyHeredoc(name: [UInt8], bytes: [UInt8]) async throws(BuildError) {
        guard !name.contains(UInt8(ascii: "/")) else {
            throw BuildError(.failure, "open /\(String(decoding: name, as: UTF8.self)): no such file or directory")
        }
        let file = FetchedFile(name: name, content: .bytes(bytes), mtime: nil, mode: 0o644)
        try await copyFile(FetchedEntry(file).node(source: sourcePosition), named: name)
    }

    // MARK: Copying

    /// One top-level source: a file, a directory's content, or an archive (CP-7).
    private mutating func copyTop(_ entry: Entry, named name: [UInt8]) async throws(BuildError) {
        if entry.isDirectory { return try await copyDirectory(entry, of: source) }
        let content = source.content(of: entry)
        let unpacks = step.verb == .add && step.unpack != false || step.unpack == true
        if unpacks, entry.kind == .file, let content, try await unpack(content, named: name) { return }
        note(entry.mtime)
        var node = WorkingTree.Node(entry, content: content)
        node.source = sourcePosition
        try await copyFile(node, named: name)
    }

    /// A single file into or onto the destination (CP-10…CP-12).
    private mutating func copyFile(_ original: WorkingTree.Node, named name: [UInt8]) async throws(BuildError) {
        let parent = isDirectoryForm ? destination : TreePath.parent(destination)
        _ = try await tree.makeDirectories(parent, like: impliedDirectory)
        var target = try await tree.resolve(destination)
        switch target.outcome {
        case .found: break
        case .missing:
            // A dangling link: its target's ancestors are made, too (CP-11).
            _ = try await tree.makeDirectories(TreePath.parent(target.path), like: impliedDirectory)
        case .notDirectory(let blocker):
            throw BuildError(.failure, "mkdir \(blocker.shown): not a directory")
        case .tooManyLinks: throw BuildError(.failure, "\(destination.shown): too many links")
        case .tooLong: throw BuildError(.failure, "\(destination.shown): file name too long")
        }
        if target.path.isEmpty || target.entry?.isDirectory == true {
            target.path = TreePath.join(target.path, name)
            target.entry = try await tree.lookup(target.path)
        }
        try await place(original, at: target.path, replacing: target.entry)
    }

    /// A directory's content into the destination (CP-13, CP-19…CP-21).
    private mutating func copyDirectory(_ entry: Entry, of source: any SourceTree) async throws(BuildError) {
        let top = try await directoryTarget(forContentOf: entry)
        let walk = try await source.descendants(of: entry.path)
        let prefix = entry.path.isEmpty ? 0 : entry.path.count + 1
        let wanted = PatternFilter(exclude: exclude).apply(to: walk) { Array($0.path[prefix...]) }
        try await copy(wanted, of: source, dropping: prefix, into: top)
        guard !entry.path.isEmpty, !top.isEmpty, tree.isChanged(top) else { return }
        note(entry.mtime)
        if let node = try await tree.node(at: top) { tree.update(node) { $0.mtime = entry.mtime } }
    }

    /// Makes the destination directory of a directory source, or checks the existing one.
    private mutating func directoryTarget(forContentOf entry: Entry) async throws(BuildError) -> [UInt8] {
        let parent = isDirectoryForm ? destination : TreePath.parent(destination)
        _ = try await tree.makeDirectories(parent, like: impliedDirectory)
        let target = try await tree.resolve(destination)
        if let existing = target.entry, !existing.isDirectory {
            throw BuildError(.failure, "cannot copy to non-directory: \(target.path.shown)")
        }
        return try await tree.makeDirectories(destination, like: impliedDirectory)
    }

    /// Entries of a walk, with hard links among them kept (CP-17).
    mutating func copy(
        _ walk: [Entry],
        of source: any SourceTree,
        dropping prefix: Int,
        into top: [UInt8]
    ) async throws(BuildError) {
        var groups: [Entry.Origin: Int] = [:]
        tree.reserve(walk.count)
        // Most sources go to where they would be anyway: then two trees share the memory of their paths.
        let keepsPaths = walk.first.map { $0.path[..<max(0, prefix - 1)] == top[...] } ?? false
        for entry in walk {
            note(entry.mtime)
            let path = keepsPaths ? entry.path : TreePath.join(top, entry.path[prefix...])
            let existing = try await tree.lookup(path)
            if entry.isShared, entry.kind == .file, let origin = entry.origin, let leader = groups[origin] {
                try checkReplaceable(existing, at: path)
                try await tree.put(leader, at: path, replacing: existing)
                continue
            }
            var node = WorkingTree.Node(entry, content: source.content(of: entry))
            node.source = sourcePosition
            let position = try await place(node, at: path, replacing: existing)
            if entry.isShared, let origin = entry.origin { groups[origin] = position }
        }
    }

    /// Puts one object, with the flags' owner and mode.
    @discardableResult
    private mutating func place(
        _ original: WorkingTree.Node,
        at path: [UInt8],
        replacing existing: Entry?
    ) async throws(BuildError) -> Int {
        if original.kind == .directory {
            if let existing, !existing.isDirectory {
                throw BuildError(.failure, "cannot copy to non-directory: \(path.shown)")
            }
        } else {
            try checkReplaceable(existing, at: path)
        }
        var node = original
        if let owner {
            node.uid = owner.uid
            node.gid = owner.gid
        }
        if let chmod = step.chmod, node.kind != .symlink {
            node.mode = chmod.apply(to: node.mode, isDirectory: node.kind == .directory)
        }
        warnOfWhiteoutName(path)
        let position = tree.add(node)
        try await tree.put(position, at: path, replacing: existing)
        return position
    }

    private func checkReplaceable(_ existing: Entry?, at path: [UInt8]) throws(BuildError) {
        guard existing?.isDirectory == true else { return }
        throw BuildError(.failure, "cannot replace to directory \(path.shown) with file")
    }

    /// What a directory gets that only exists to hold something (CP-19).
    var impliedDirectory: ImpliedDirectory {
        ImpliedDirectory(mode: step.chmod?.octal.map { $0 & 0o777 } ?? 0o755, owner: owner)
    }

    /// Counts a source's time for what the instruction invents (REP-7).
    mutating func note(_ time: Timestamp) {
        newest = max(newest ?? time, time)
    }

    /// A file of such a name deletes instead of being there, whoever writes it (ARC-9).
    mutating func warnOfWhiteoutName(_ path: [UInt8]) {
        guard TreePath.name(path).starts(with: ".wh.".utf8), !hasWarnedOfWhiteout else { return }
        hasWarnedOfWhiteout = true
        warnings.append(
            Diagnostic(
                .warning,
                "\(path.shown) has the name of a whiteout: instead of being in the image it removes what lies below",
                at: range
            )
        )
    }
}

/// A file without a tree, as an object.
private struct FetchedEntry {
    let file: FetchedFile

    init(_ file: FetchedFile) {
        self.file = file
    }

    func node(source: Int) -> WorkingTree.Node {
        WorkingTree.Node(
            kind: .file,
            mode: file.mode,
            uid: 0,
            gid: 0,
            size: file.content.size,
            mtime: file.mtime,
            content: file.content,
            source: source
        )
    }
}
