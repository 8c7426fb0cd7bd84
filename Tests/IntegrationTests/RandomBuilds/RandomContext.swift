import Glibc
import ImgTestKit

/// A build context: what is in it, and what the build sees of it.
struct RandomContext: Sendable {
    private(set) var tree: ModelTree = [:]
    /// Archives by path.
    private(set) var archives: [String: [ModelMember]] = [:]
    /// Lines of the ignore file.
    private(set) var ignored: [String] = []
    /// What is left after the ignore file.
    private(set) var visible: ModelTree = [:]

    static let names = [
        "a.txt", "b.txt", "c.tmp", "d.tmp", "data", "README", ".hidden", "with space.txt", "ünïcödé.txt", "日本語",
        "-dash",
        "--dashes", "#hash", "e=mc2", "it's", "quote\"d", "dol$lar", "back\\slash", "br[ack]et", "st*ar", "quest?ion",
        "tab\there",
        "new\nline", "100%", "UPPER", "~tilde", "semi;colon", "a,b", "cafe\u{301}", "😀",
        String(repeating: "n", count: 120) + ".txt",
        String(repeating: "é", count: 60), "trailing ", "a.b.c", ".wh", "x.tmp.txt",
    ]
    private static let modes = [0o644, 0o644, 0o644, 0o755, 0o600, 0o400, 0o777, 0o4755, 0o2755, 0o6711, 0o1644]
    private static let directoryModes = [0o755, 0o755, 0o755, 0o700, 0o777, 0o1777, 0o2755, 0o711]

    init(_ dice: inout Dice) {
        var directories = [""]
        for _ in 0..<dice.number(1...7) {
            let path = ModelPath.join(
                dice.pick(directories),
                dice.pick(["src", "lib", "sub dir", "d.tmp", "très", "deep", Self.long])
            )
            guard path.utf8.count < 600 else { continue }
            tree[path] = .directory(dice.pick(Self.directoryModes))
            directories.append(path)
        }
        for _ in 0..<dice.number(2...18) {
            let path = ModelPath.join(dice.pick(directories), dice.pick(Self.names))
            guard tree[path] == nil else { continue }
            tree[path] = ModelObject(kind: .file, mode: dice.pick(Self.modes), content: Self.content(&dice))
        }
        addLinks(&dice, directories)
        for _ in 0..<dice.number(0...2) { addArchive(&dice) }
        ignore(&dice)
    }

    private static let long = String(repeating: "long-", count: 25)

    private static func content(_ dice: inout Dice) -> [UInt8] {
        switch dice.number(1...6) {
        case 1: []
        case 2: dice.bytes(dice.number(511...513))
        case 3: [UInt8](repeating: UInt8(ascii: "z"), count: dice.number(1...20_000))
        default: dice.bytes(dice.number(1...60))
        }
    }

    private mutating func addLinks(_ dice: inout Dice, _ directories: [String]) {
        for number in 0..<dice.number(0...3) {
            let place = dice.pick(directories)
            let siblings = tree.keys.filter { ModelPath.parent($0) == place }.sorted().map(ModelPath.name)
            let targets = siblings + ["/" + dice.pick(tree.keys.sorted() + ["nowhere"]), "../..", "dangling", "."]
            tree[ModelPath.join(place, "link\(number)")] = ModelObject(
                kind: .symlink,
                mode: 0o777,
                target: dice.pick(targets)
            )
        }
        for number in 0..<dice.number(0...2) {
            guard let leader = dice.pick(from: tree.paths(.file)) else { return }
            var object = tree[leader]
            if object?.group == nil { object?.group = number }
            tree[leader] = object
            tree[ModelPath.join(dice.pick(directories), "hard\(number)")] = object
        }
        if dice.once(in: 8) { tree[ModelPath.join(dice.pick(directories), "fifo")] = ModelObject(kind: .fifo) }
    }

    private mutating func addArchive(_ dice: inout Dice) {
        var members: [ModelMember] = []
        var taken: [String: ModelObject.Kind] = [:]
        for number in 0..<dice.number(1...12) {
            let directory = dice.pick(
                ["", "", "x", "x/y", "p q", Self.long + "/" + Self.long]
                    + taken.filter { $1 == .directory }.keys.sorted()
            )
            let path = ModelPath.join(directory, dice.pick(["f", "g.txt", "ü", "x", "x", "y", Self.long + "f"]))
            // Nothing lies below what is no directory, and what is linked stays.
            let replaced = taken.keys.filter { $0 == path || ModelPath.isBelow($0, path) }
            let linked = members.filter { $0.object.group != nil }.map(\.path)
            guard replaced.isEmpty || dice.once(in: 2), !replaced.contains(where: linked.contains),
                ModelPath.prefixes(path).dropLast().allSatisfy({ taken[$0] ?? .directory == .directory })
            else { continue }
            var object = ModelObject(
                kind: dice.pick([.file, .file, .file, .directory, .symlink]),
                mode: dice.pick(Self.modes)
            )
            object.uid = dice.pick([0, 1000, 65534])
            object.gid = dice.pick([0, 50, 100_000])
            switch object.kind {
            case .file:
                object.content = Self.content(&dice)
                if number > 0, replaced.isEmpty, dice.once(in: 4),
                    let leader = members.last(where: { member in
                        taken[member.path] == .file && members.count { $0.path == member.path } == 1
                    })
                {
                    object.content = leader.object.content
                    object.group = leader.object.group ?? number
                    for position in members.indices where members[position].path == leader.path {
                        members[position].object.group = object.group
                    }
                }
            case .symlink: object.target = dice.pick(["f", "/etc/passwd", "../../..", Self.long + "/x"])
            case .directory, .fifo: break
            }
            members.append(ModelMember(path: path, object: object))
            if object.kind != .directory { for inner in replaced { taken[inner] = nil } }
            for prefix in ModelPath.prefixes(path).dropLast() where taken[prefix] == nil { taken[prefix] = .directory }
            taken[path] = object.kind
        }
        let linked = members.contains { $0.object.group != nil && ($0.path == "x" || ModelPath.isBelow($0.path, "x")) }
        if dice.once(in: 2), !linked {
            // What an earlier archive has put there must be gone.
            members.append(ModelMember(path: "x", object: ModelObject(kind: .file, content: [1])))
            members.append(ModelMember(path: "x", object: .directory(0o750, uid: 3)))
            members.append(ModelMember(path: "x/new", object: ModelObject(kind: .file)))
        }
        guard !members.isEmpty else { return }
        let name = "archive\(archives.count)"
        archives[name] = members
        let bytes = ModelArchive.bytes(members, dice.pick(ModelArchive.Compression.allCases))
        tree[name] = ModelObject(kind: .file, content: bytes)
    }

    private mutating func ignore(_ dice: inout Dice) {
        visible = tree
        guard dice.once(in: 2) else { return }
        let plain = tree.keys.filter(Self.isPlain).sorted()
        if dice.once(in: 5), let kept = dice.pick(from: plain.filter { !$0.contains("/") }) {
            ignored = ["*", "!" + kept]
            writeIgnoreFile()
            visible = tree.filter { $0.key == kept || ModelPath.isBelow($0.key, kept) }
        } else {
            var patterns: [ModelPattern] = []
            if dice.once(in: 2) { patterns.append(.anywhere(suffix: ".tmp")) }
            if let path = dice.pick(from: plain), dice.once(in: 2) { patterns.append(.path(path)) }
            if let path = dice.pick(from: plain) {
                patterns.append(.directly(in: ModelPath.parent(path), suffix: ".txt"))
            }
            ignored = ["# comment", ""] + patterns.map { dice.once(in: 3) ? "/\($0.text)" : $0.text }
            writeIgnoreFile()
            visible = tree.filter { path, _ in !patterns.contains { $0.covers(path) } }
        }
    }

    private mutating func writeIgnoreFile() {
        let text = ignored.map { $0 + "\n" }.joined()
        tree[".dockerignore"] = ModelObject(kind: .file, content: Array(text.utf8))
    }

    /// Whether a path means itself in every language of a Dockerfile.
    static func isPlain(_ path: String) -> Bool {
        !path.hasPrefix("-") && !path.hasPrefix("#")
            && path.unicodeScalars.allSatisfy {
                $0.value > 0x7f || $0.properties.isAlphabetic || "0123456789./_-".unicodeScalars.contains($0)
            }
    }
}

extension RandomContext {
    /// Makes the context in a directory, its entries in any order and its modes and times as they are to be.
    func write(_ directory: String, in scratch: Scratch, _ dice: inout Dice) throws {
        let paths = tree.keys.sorted(by: ModelPath.precedes)
        try scratch.write(directory + "/.first", "")
        unsafe unlink(scratch[directory + "/.first"])
        var leaders: [Int: String] = [:]
        for path in dice.shuffled(paths) {
            guard let object = tree[path] else { continue }
            let full = scratch[ModelPath.join(directory, path)]
            for prefix in ModelPath.prefixes(path).dropLast() {
                unsafe mkdir(scratch[ModelPath.join(directory, prefix)], 0o755)
            }
            switch object.kind {
            case .directory: unsafe mkdir(full, 0o755)
            case .symlink: unsafe symlink(object.target, full)
            case .fifo: unsafe mkfifo(full, 0o644)
            case .file:
                if let group = object.group, let leader = leaders[group] {
                    unsafe link(leader, full)
                } else {
                    try scratch.write(ModelPath.join(directory, path), object.content)
                }
                if let group = object.group { leaders[group] = leaders[group] ?? full }
            }
        }
        // Times of directories last, the deepest first.
        for (position, path) in paths.enumerated().reversed() {
            guard let object = tree[path] else { continue }
            let full = scratch[ModelPath.join(directory, path)]
            if object.kind != .symlink { unsafe chmod(full, mode_t(object.mode)) }
            // One time for all names of a file.
            let time = timespec(
                tv_sec: 1_500_000_000 + 1000 * (object.group.map { $0 + 1 } ?? position + 9),
                tv_nsec: position % 2
            )
            let times =
                object.group == nil
                ? [time, time] : [timespec(tv_sec: time.tv_sec, tv_nsec: 0), timespec(tv_sec: time.tv_sec, tv_nsec: 0)]
            guard unsafe utimensat(AT_FDCWD, full, times, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw ScratchError(description: "\(full): errno \(errno)")
            }
        }
    }
}
