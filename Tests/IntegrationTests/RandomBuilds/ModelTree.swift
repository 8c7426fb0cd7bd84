/// A file, directory or link of a context, an archive or an image.
struct ModelObject: Sendable {
    enum Kind: Character, Sendable {
        case file = "-"
        case directory = "d"
        case symlink = "l"
        case fifo = "p"
    }

    var kind: Kind
    var mode = 0o644
    var uid = 0
    var gid = 0
    var content: [UInt8] = []
    /// Text of a symbolic link.
    var target = ""
    /// Paths with the same number are one file.
    var group: Int?

    static func directory(_ mode: Int = 0o755, uid: Int = 0, gid: Int = 0) -> ModelObject {
        ModelObject(kind: .directory, mode: mode, uid: uid, gid: gid)
    }
}

/// Why an instruction is not tried: the result would be an error or is not modelled.
struct Unwanted: Error {}

/// A file system by relative path.
typealias ModelTree = [String: ModelObject]

enum ModelPath {
    static func join(_ first: String, _ second: String) -> String {
        first.isEmpty ? second : second.isEmpty ? first : first + "/" + second
    }

    static func name(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }

    static func parent(_ path: String) -> String { path.split(separator: "/").dropLast().joined(separator: "/") }

    /// `a`, `a/b`, `a/b/c`.
    static func prefixes(_ path: String) -> [String] {
        var reached = ""
        return path.split(separator: "/")
            .map { component in
                reached = join(reached, String(component))
                return reached
            }
    }

    static func isBelow(_ path: String, _ top: String) -> Bool { top.isEmpty || path.hasPrefix(top + "/") }

    /// Depth first, and by bytes in each directory (LAY-2).
    static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
            .lexicographicallyPrecedes(right.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)) {
                $0.lexicographicallyPrecedes($1)
            }
    }
}

extension ModelTree {
    /// All paths below a directory in order.
    func below(_ top: String) -> [String] {
        keys.filter { ModelPath.isBelow($0, top) }.sorted(by: ModelPath.precedes)
    }

    func paths(_ kind: ModelObject.Kind) -> [String] {
        filter { $0.value.kind == kind }.keys.sorted(by: ModelPath.precedes)
    }

    /// Where a path leads with all links followed, and whether all of it is there.
    ///
    /// What is missing is taken as written (CP-11). Nothing lies below a file, and links in a ring lead nowhere.
    func follow(_ path: String) throws(Unwanted) -> (path: String, exists: Bool) {
        var rest = path.split(separator: "/")[...]
        var reached = ""
        var exists = true
        var links = 20
        while let component = rest.popFirst() {
            if component == "." { continue }
            if component == ".." {
                reached = ModelPath.parent(reached)
                continue
            }
            let next = ModelPath.join(reached, String(component))
            switch self[next] {
            case nil:
                exists = false
                reached = next
            case let link? where link.kind == .symlink:
                guard links > 0 else { throw Unwanted() }
                links -= 1
                if link.target.hasPrefix("/") { reached = "" }
                rest = (link.target.split(separator: "/") + rest)[...]
            case let object?:
                guard object.kind == .directory || rest.isEmpty else { throw Unwanted() }
                reached = next
            }
        }
        return (reached, exists)
    }

    /// Where a source's path leads, which must be there.
    func resolve(_ path: String) throws(Unwanted) -> String {
        let end = try follow(path)
        guard end.exists else { throw Unwanted() }
        return end.path
    }
}
