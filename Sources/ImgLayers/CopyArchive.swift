package import ImgOCI
import ImgReport
import ImgStream
import ImgTree

extension CopyRun {
    /// Unpacks a file into the destination if it is an archive (ARC-1…ARC-9).
    ///
    /// - Returns: false when it is none and has to be copied as it is.
    mutating func unpack(_ content: ContentRef, named name: [UInt8]) async throws(BuildError) -> Bool {
        let spoolDirectory = resolver.spoolDirectory
        let shown = String(decoding: name, as: UTF8.self)
        let members = try await resolver.pool.building { () throws(BuildError) in
            do throws(StreamError) { return try ArchiveMembers.read(content, spoolingTo: spoolDirectory) } catch {
                throw BuildError(.failure, "failed to unpack \(shown): \(error.message)")
            }
        }
        guard let members else { return false }
        // `--chmod` is not for archives, nor for the directories that they go to (ARC-7).
        let root = try await tree.makeDirectories(destination, like: ImpliedDirectory(owner: owner))
        for member in members {
            do throws(BuildError) { try await extract(member, into: root) } catch {
                throw BuildError(error.code, "failed to unpack \(shown): \(error)")
            }
        }
        return true
    }

    private mutating func extract(_ member: ArchiveMembers.Member, into root: [UInt8]) async throws(BuildError) {
        let path = TreePath.relative(member.header.path)
        if path.isEmpty { return }
        note(member.header.mtime)
        let parent = try await archiveParent(TreePath.parent(path), in: root)
        let target = TreePath.join(parent, TreePath.name(path))
        let existing = try await tree.lookup(target)
        if member.header.kind == .hardlink {
            return try await link(member.header, at: target, replacing: existing, in: root)
        }
        var node = WorkingTree.Node(member.header)
        node.content = member.content
        node.source = sourcePosition
        if let owner {
            node.uid = owner.uid
            node.gid = owner.gid
        }
        warnOfWhiteoutName(target)
        try await tree.put(tree.add(node), at: target, replacing: existing)
    }

    /// A hard link re-applies its own metadata to the file it names (ARC-7, ARC-8).
    private mutating func link(
        _ header: TarHeader,
        at path: [UInt8],
        replacing existing: Entry?,
        in root: [UInt8]
    ) async throws(BuildError) {
        let resolution = try await tree.resolve(TreePath.relative(header.linkTarget), in: root, followLast: false)
        guard resolution.path != path else { return }
        guard let entry = resolution.entry, !entry.isDirectory, let node = try await tree.node(at: resolution.path)
        else {
            throw BuildError(
                .failure,
                "link \(path.shown): \(TreePath.join(root, TreePath.relative(header.linkTarget)).shown) is no file"
            )
        }
        let owner = owner ?? Owner(uid: header.uid, gid: header.gid)
        tree.update(node) { node in
            node.mode = header.mode & 0o7777
            node.uid = owner.uid
            node.gid = owner.gid
            if node.kind != .symlink { node.mtime = header.mtime }
            // The kernel takes it away as the owner is set, whoever that is.
            node.capability = header.capability
        }
        try await tree.put(node, at: path, replacing: existing)
    }

    /// Where an entry's directory lies once links are followed; missing ones are made, 0755 and root's whatever
    /// `--chown` says (ARC-6).
    private mutating func archiveParent(_ path: [UInt8], in root: [UInt8]) async throws(BuildError) -> [UInt8] {
        let resolution = try await tree.resolve(path, in: root)
        switch resolution.outcome {
        case .found where resolution.entry?.isDirectory == true: return resolution.path
        case .found, .notDirectory:
            throw BuildError(.failure, "mkdir \(TreePath.join(root, path).shown): not a directory")
        case .tooManyLinks:
            throw BuildError(.failure, "\(TreePath.join(root, path).shown): too many links")
        case .tooLong: throw BuildError(.failure, "\(TreePath.join(root, path).shown): file name too long")
        case .missing: break
        }
        if try await leadsThroughDanglingLink(path, in: root) {
            throw BuildError(.failure, "open \(TreePath.join(root, path).shown): no such file or directory")
        }
        return try await tree.makeDirectories(path, in: root, like: ImpliedDirectory(owner: .root))
    }

    private func leadsThroughDanglingLink(_ path: [UInt8], in root: [UInt8]) async throws(BuildError) -> Bool {
        var reached: [UInt8] = root
        for component in path.split(separator: UInt8(ascii: "/")) {
            let literal = TreePath.join(reached, component)
            guard let entry = try await tree.lookup(literal) else { return false }
            let inner = root.isEmpty ? literal : Array(literal.dropFirst(root.count + 1))
            let resolution = try await tree.resolve(inner, in: root)
            guard resolution.outcome == .found else { return entry.kind == .symlink }
            reached = resolution.path
        }
        return false
    }
}

/// An archive read once: its headers, and its contents in a temporary file.
enum ArchiveMembers {
    struct Member: Sendable {
        var header: TarHeader
        var content: ContentRef?
    }

    /// Reads the archive to its end; blocks.
    ///
    /// - Returns: nil when the bytes do not begin with a valid tar header, compressed or not (ARC-2, ARC-3).
    static func read(_ reference: ContentRef, spoolingTo directory: String) throws(StreamError) -> [Member]? {
        guard let source = try reference.openLocal(), let (reader, first) = begin(source) else { return nil }
        var spool: SpoolFile?
        var members: [Member] = []
        var next: TarHeader? = first
        while let header = next {
            var member = Member(header: header, content: nil)
            if header.kind == .file {
                if header.size == 0 {
                    member.content = .bytes([])
                } else {
                    let file = if let spool { spool } else { try SpoolFile.create(in: directory) }
                    spool = file
                    let piece = try file.append(contentOf: reader)
                    member.content = .spool(file: file, offset: piece.offset, size: piece.size)
                    member.header.size = piece.size
                }
            }
            members.append(member)
            next = try reader.next()
        }
        return members
    }

    /// The reader at the first header, or nil when there is none.
    private static func begin(_ source: any ByteSource) -> (TarReader, TarHeader)? {
        guard let reader = try? TarReader(source, format: .anyCompression), let first = try? reader.next() else {
            return nil
        }
        return (reader, first)
    }
}

extension ContentRef {
    /// Time of the newest regular file of an archive; nil for what is none or can't be read to its end.
    ///
    /// Blocks.
    package func newestMember() -> Timestamp? {
        guard let source = try? openLocal(), let reader = try? TarReader(source, format: .anyCompression) else {
            return nil
        }
        var newest: Timestamp?
        do {
            while let header = try reader.next() {
                if header.kind == .file { newest = max(newest ?? header.mtime, header.mtime) }
            }
        } catch {
            return nil
        }
        return newest
    }
}

extension WorkingTree.Node {
    /// An object as an archive describes it.
    init(_ header: TarHeader) {
        self.init(
            kind: header.kind,
            mode: header.mode & 0o7777,
            uid: header.uid,
            gid: header.gid,
            size: header.kind == .file ? header.size : 0,
            mtime: header.mtime,
            linkTarget: header.kind == .symlink ? header.linkTarget : [],
            deviceMajor: header.deviceMajor,
            deviceMinor: header.deviceMinor,
            capability: header.capability
        )
    }
}

extension TarHeader {
    /// The raw attribute of that name.
    fileprivate var capability: [UInt8]? { xattrs.first { $0.name == "security.capability" }?.value }
}
