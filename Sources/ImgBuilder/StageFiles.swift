import ImgChecks
import ImgLayers
import ImgStream
import ImgTasks
import ImgTree

/// A stage's files as the checks ask for them.
struct StageFiles: ImageFiles {
    let tree: StageTree
    /// Of the layers built here, bottom first; those of base layers stand in their indexes.
    let own: [[[UInt8]: [UInt8]]]
    let pool: BlockingPool

    /// Whether questions cost no download.
    var isAtHand: Bool { tree.tree.isLoaded }

    private func resolve(_ path: String) async throws -> Resolution { try await tree.resolve(Array(path.utf8)) }

    private func note(_ entry: Entry) -> [UInt8]? {
        guard let header = tree.header(of: entry), own.indices.contains(header.layer) else { return entry.note }
        return own[header.layer][header.path]
    }

    func file(at path: String) async throws -> ImageFile? {
        let resolution = try await resolve(path)
        guard let entry = resolution.entry, resolution.outcome == .found else { return nil }
        return ImageFile(
            path: "/" + String(decoding: resolution.path, as: UTF8.self),
            kind: entry.isDirectory ? .directory : entry.kind == .file ? .file : .other,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            size: entry.size,
            facts: note(entry).flatMap(ExecutableFacts.init(decoding:))
        )
    }

    func destination(of path: String) async throws -> String {
        "/" + String(decoding: try await resolve(path).path, as: UTF8.self)
    }

    func names(in directory: String) async throws -> [String] {
        let resolution = try await resolve(directory)
        guard resolution.entry?.isDirectory == true else { return [] }
        return try await tree.children(of: resolution.path)
            .map { String(decoding: TreePath.name($0.path), as: UTF8.self) }
    }

    func text(of path: String) async throws -> FileText {
        let resolution = try await resolve(path)
        guard let entry = resolution.entry else { return .absent }
        guard entry.kind == .file else { return .unknown }
        if entry.size == 0 { return .text("") }
        let isAccounts = path == "/etc/passwd" || path == "/etc/group"
        let account = isAccounts ? try await tree.accountFile(path, on: pool) : nil
        return (account ?? note(entry)).map { .text(String(decoding: $0, as: UTF8.self)) } ?? .unknown
    }
}
