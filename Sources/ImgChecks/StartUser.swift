/// Who the command runs as.
struct StartUser: Hashable, Sendable {
    var uid: UInt32
    var gid: UInt32
    /// Those that list the user by name; runtimes give them to the process.
    var groups: Set<UInt32> = []
    /// False when the image's accounts could not be read: then nothing is sure about permissions.
    var isKnown = true

    /// As the kernel decides: root needs any one bit.
    func mayExecute(_ file: ImageFile) -> Bool {
        if uid == 0 || !isKnown { return file.mode & 0o111 != 0 }
        if uid == file.uid { return file.mode & 0o100 != 0 }
        if gid == file.gid || groups.contains(file.gid) { return file.mode & 0o010 != 0 }
        return file.mode & 0o001 != 0
    }
}

/// The lines of `/etc/passwd` or `/etc/group`.
struct AccountFile: Sendable {
    struct Line: Sendable {
        var name: String
        var id: UInt32
        /// Of a user.
        var group: UInt32?
        /// Of a group.
        var members: [String]
    }

    /// Whether a name that is not in it does not exist.
    let isComplete: Bool
    private let lines: [Line]

    init(_ text: FileText) {
        isComplete = text != .unknown
        guard case .text(let text) = text else {
            lines = []
            return
        }
        lines = text.split(separator: "\n")
            .compactMap { line in
                let fields = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
                guard fields.count >= 3, let id = UInt32(fields[2]) else { return nil }
                let last = fields.count >= 4 ? fields[3] : ""
                return Line(
                    name: fields[0],
                    id: id,
                    group: UInt32(last),
                    members: last.split(separator: ",").map(String.init)
                )
            }
    }

    func line(_ isWanted: (Line) -> Bool) -> Line? { lines.first(where: isWanted) }

    /// IDs of the groups that have a user as a member.
    func groups(of name: String?) -> Set<UInt32> {
        guard let name else { return [] }
        return Set(lines.filter { $0.members.contains(name) }.map(\.id))
    }
}
