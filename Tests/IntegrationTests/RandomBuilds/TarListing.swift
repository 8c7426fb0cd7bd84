/// Lines as `tar --list --verbose --numeric-owner --quoting-style=c` prints them in the C locale, without times.
enum TarListing {
    static func line(_ path: String, _ object: ModelObject) -> String {
        let size = object.kind == .file ? object.content.count : 0
        let name = quoted(object.kind == .directory ? path + "/" : path)
        let rest = object.kind == .symlink ? "\(name) -> \(quoted(object.target))" : name
        let mode = object.kind == .symlink ? 0o777 : object.mode
        return "\(object.kind.rawValue)\(permissions(mode)) \(object.uid)/\(object.gid) \(size) \(rest)"
    }

    static func hardlink(_ path: String, _ object: ModelObject, to leader: String) -> String {
        "h\(permissions(object.mode)) \(object.uid)/\(object.gid) 0 \(quoted(path)) link to \(quoted(leader))"
    }

    /// A printed line without its date and time; nil when it has none.
    static func withoutTime(_ line: Substring) -> String? {
        let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
        guard fields.count == 6 else { return nil }
        return [fields[0], fields[1], fields[2], fields[5]].joined(separator: " ")
    }

    static func permissions(_ mode: Int) -> String {
        var text = ""
        for (shift, special, letter) in [(6, 0o4000, "s"), (3, 0o2000, "s"), (0, 0o1000, "t")] {
            let bits = mode >> shift
            text += bits & 4 != 0 ? "r" : "-"
            text += bits & 2 != 0 ? "w" : "-"
            if mode & special != 0 {
                text += bits & 1 != 0 ? letter : letter.uppercased()
            } else {
                text += bits & 1 != 0 ? "x" : "-"
            }
        }
        return text
    }

    /// A C string.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"): result += "\\n"
            case UInt8(ascii: "\t"): result += "\\t"
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7f: result += String(UnicodeScalar(byte))
            default:
                let octal = String(byte, radix: 8)
                result += "\\" + String(repeating: "0", count: 3 - octal.count) + octal
            }
        }
        return result + "\""
    }
}
