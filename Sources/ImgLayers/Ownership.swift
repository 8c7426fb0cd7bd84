import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTasks
import ImgTree

/// Numeric owner of what a step makes.
struct Owner: Hashable, Sendable {
    var uid: UInt32
    var gid: UInt32

    static let root = Owner(uid: 0, gid: 0)
}

/// Resolves `--chown` and USER in the stage's file system as it was before the instruction (CP-25…CP-29).
struct OwnerResolver {
    let stage: StageTree
    let content: ContentLoader
    /// Where a name was written.
    let range: SourceRange?
    private(set) var warnings: [Diagnostic] = []

    init(stage: StageTree, content: ContentLoader, range: SourceRange?) {
        self.stage = stage
        self.content = content
        self.range = range
    }

    /// - Parameter spec: Parsed per CP-25.
    mutating func resolve(_ spec: ChownSpec) async throws(BuildError) -> Owner {
        var owner = Owner.root
        switch spec.user {
        case .id(let id): owner = Owner(uid: id, gid: id)
        case .name(let name): owner = try await user(name) ?? .root
        case nil: break
        }
        switch spec.group {
        case .id(let id): owner.gid = id
        case .name(let name):
            if let gid = try await group(name) { owner.gid = gid }
        case nil: break
        }
        return owner
    }

    private mutating func user(_ name: String) async throws(BuildError) -> Owner? {
        let file = try await accounts("etc/passwd", kind: "user", name: name)
        if let account = file.flatMap({ Accounts.user(named: name, inPasswd: $0) }) {
            return Owner(uid: account.uid, gid: account.gid)
        }
        warn("user", name, "/etc/passwd", file, consequence: "the owner is 0:0")
        return nil
    }

    private mutating func group(_ name: String) async throws(BuildError) -> UInt32? {
        let file = try await accounts("etc/group", kind: "group", name: name)
        if let gid = file.flatMap({ Accounts.group(named: name, inGroup: $0) }) { return gid }
        warn("group", name, "/etc/group", file, consequence: "the group stays that of the user")
        return nil
    }

    private mutating func warn(_ kind: String, _ name: String, _ path: String, _ file: [UInt8]?, consequence: String) {
        let reason = file == nil ? "the image has no \(path)" : "\(path) of the image has no such \(kind)"
        let near = file.flatMap { Suggestion.nearest(name, among: Accounts.names(in: $0)) }
        warnings.append(
            Diagnostic(
                .warning,
                "unknown \(kind) \"\(name)\": \(reason); \(consequence)",
                at: range,
                hints: near.map { ["did you mean \"\($0)\"?"] } ?? ["numeric ids always work"]
            )
        )
    }

    /// The content of an account file; nil when there is none.
    private func accounts(_ path: String, kind: String, name: String) async throws(BuildError) -> [UInt8]? {
        if stage.isVoid { throw .noFileSystem(kind, name, at: range) }
        let resolution = try await stage.resolve(Array(path.utf8))
        guard let entry = resolution.entry else { return nil }
        guard entry.kind == .file else { throw BuildError(.failure, "/\(path) is not a regular file", at: range) }
        guard entry.size <= Int64(Accounts.fileLimit) else {
            throw BuildError(.failure, "/\(path) is larger than 10 MiB", at: range)
        }
        if let kept = try await stage.keptContent(of: entry) { return kept }
        guard let reference = stage.content(of: entry) else { return nil }
        return try await content.bytes(of: reference, limit: Accounts.fileLimit)
    }
}
