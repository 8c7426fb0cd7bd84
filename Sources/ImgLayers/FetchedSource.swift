package import ImgOCI
package import ImgReport
import ImgStream
package import ImgTasks
package import ImgTree

/// What an ADD operand that is no path has become: downloaded or checked out.
package enum FetchedSource: Sendable {
    /// The answer of a URL (URL-1, URL-2).
    case file(FetchedFile)
    /// A checkout, whose content goes into the destination as a directory (GIT-3).
    case directory(any SourceTree)
}

/// A file that did not come from a tree.
package struct FetchedFile: Sendable {
    package var name: [UInt8]
    package var content: ContentRef
    /// nil: as directories that the step invents.
    package var mtime: Timestamp?
    package var mode: UInt16

    /// - Parameters:
    ///   - name: Last element of the URL's decoded path, or `__unnamed__` (URL-1).
    ///   - mtime: `Last-Modified`, or the epoch (URL-2).
    package init(name: [UInt8], content: ContentRef, mtime: Timestamp? = .epoch, mode: UInt16 = 0o600) {
        self.name = name
        self.content = content
        self.mtime = mtime
        self.mode = mode
    }
}

/// A context that is one file, in a root of its own.
package struct SingleFileTree: SourceTree {
    private let file: FetchedFile
    private let path: [UInt8]

    package init(_ file: FetchedFile) {
        self.file = file
        path = TreePath.relative(file.name)
    }

    /// A file on disk.
    package static func open(_ path: String, pool: BlockingPool) async throws(BuildError) -> SingleFileTree {
        let bytes = Array(path.utf8)
        let parent = bytes.lastIndex(of: UInt8(ascii: "/"))
            .map { $0 == 0 ? "/" : String(decoding: bytes[..<$0], as: UTF8.self) }
        let name = TreePath.name(bytes)
        let directory = try await ContextTree.open(parent ?? ".", ignoring: nil, pool: pool)
        guard let entry = try await directory.lookup(Array(name)), let content = directory.content(of: entry) else {
            throw BuildError(.failure, "open \(path): no such file")
        }
        return SingleFileTree(FetchedFile(name: Array(name), content: content, mtime: entry.mtime, mode: entry.mode))
    }

    package func lookup(_ path: [UInt8]) async throws(BuildError) -> Entry? {
        if path.isEmpty { return .impliedDirectory([]) }
        return path == self.path ? entry : nil
    }

    package func children(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        directory.isEmpty ? [entry] : []
    }

    package func descendants(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        directory.isEmpty ? [entry] : []
    }

    package func content(of entry: Entry) -> ContentRef? {
        entry.kind == .file ? file.content : nil
    }

    private var entry: Entry {
        var entry = Entry.impliedDirectory(path)
        entry.kind = .file
        entry.mode = file.mode
        entry.size = file.content.size
        entry.mtime = file.mtime ?? .epoch
        return entry
    }
}

/// A work tree of git as ADD copies it: two modes for files, one for directories, one time for all (GIT-3).
package struct CheckoutTree: SourceTree {
    private let base: any SourceTree
    private let time: Timestamp
    private let subdirectory: [UInt8]
    private let keepsGitDirectory: Bool

    /// - Parameters:
    ///   - base: The checkout on disk.
    ///   - time: Given to every entry.
    ///   - subdirectory: What to copy of it; links are not followed.
    ///   - keepsGitDirectory: Whether `.git` stays (GIT-4).
    package init(_ base: any SourceTree, time: Timestamp, subdirectory: [UInt8] = [], keepsGitDirectory: Bool = false) {
        self.base = base
        self.time = time
        self.subdirectory = TreePath.relative(subdirectory)
        self.keepsGitDirectory = keepsGitDirectory
    }

    /// The tree of a checkout, whose subdirectory must be there (GIT-2).
    package static func open(
        _ path: String,
        time: Timestamp,
        subdirectory: String?,
        keepsGitDirectory: Bool = false,
        pool: BlockingPool
    ) async throws(BuildError) -> CheckoutTree {
        let base = try await ContextTree.open(path, ignoring: nil, pool: pool)
        let tree = CheckoutTree(
            base,
            time: time,
            subdirectory: Array((subdirectory ?? "").utf8),
            keepsGitDirectory: keepsGitDirectory
        )
        guard let subdirectory, !tree.subdirectory.isEmpty else { return tree }
        let entry = try await base.lookup(tree.subdirectory)
        guard entry?.isDirectory == true else {
            let reason = entry == nil ? "no such file or directory" : "not a directory"
            throw BuildError(.failure, "failed to open subdir \(subdirectory): \(reason)")
        }
        return tree
    }

    package func lookup(_ path: [UInt8]) async throws(BuildError) -> Entry? {
        try await base.lookup(TreePath.join(subdirectory, path)).flatMap(normalised)
    }

    package func children(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        try await base.children(of: TreePath.join(subdirectory, directory)).compactMap(normalised)
    }

    package func descendants(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        try await base.descendants(of: TreePath.join(subdirectory, directory)).compactMap(normalised)
    }

    package func content(of entry: Entry) -> ContentRef? {
        var original = entry
        original.path = TreePath.join(subdirectory, entry.path)
        return base.content(of: original)
    }

    private func normalised(_ entry: Entry) -> Entry? {
        var copy = entry
        if !subdirectory.isEmpty { copy.path = Array(entry.path.dropFirst(subdirectory.count + 1)) }
        if !keepsGitDirectory, copy.path.split(separator: UInt8(ascii: "/")).first?.elementsEqual(".git".utf8) == true {
            return nil
        }
        switch entry.kind {
        case .directory: copy.mode = 0o755
        case .file: copy.mode = entry.mode & 0o100 != 0 ? 0o755 : 0o644
        default: break
        }
        copy.mtime = time
        copy.isShared = false
        return copy
    }
}
