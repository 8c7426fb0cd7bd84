/// One entry of an archive.
struct ModelMember: Sendable {
    var path: String
    var object: ModelObject
}

/// Makes tar archives of which every byte is known.
enum ModelArchive {
    enum Compression: CaseIterable { case none, gzip, zstd }

    static func bytes(_ members: [ModelMember], _ compression: Compression) -> [UInt8] {
        let tar = members.enumerated().flatMap { entry($1, members[..<$0]) } + [UInt8](repeating: 0, count: 1024)
        return switch compression {
        case .none: tar
        case .gzip: gzip(tar)
        case .zstd: zstd(tar)
        }
    }

    private static func entry(_ member: ModelMember, _ earlier: ArraySlice<ModelMember>) -> [UInt8] {
        let object = member.object
        let leader = object.group.flatMap { group in earlier.first { $0.object.group == group }?.path }
        let type: UInt8 =
            switch object.kind {
            case .file: leader == nil ? UInt8(ascii: "0") : UInt8(ascii: "1")
            case .directory: UInt8(ascii: "5")
            case .symlink: UInt8(ascii: "2")
            case .fifo: UInt8(ascii: "6")
            }
        let name = object.kind == .directory ? member.path + "/" : member.path
        let link = leader ?? object.target
        let content = object.kind == .file && leader == nil ? object.content : []
        var result: [UInt8] = []
        let records =
            (name.utf8.count > 100 ? record("path", name) : "")
            + (link.utf8.count > 100 ? record("linkpath", link) : "")
        if !records.isEmpty {
            result +=
                header("pax", "", UInt8(ascii: "x"), .directory(0o644), records.utf8.count)
                + padded(Array(records.utf8))
        }
        return result + header(name, link, type, object, content.count) + padded(content)
    }

    /// A pax record counts itself.
    private static func record(_ key: String, _ value: String) -> String {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count
        while "\(length)".utf8.count + rest.utf8.count != length { length = "\(length)".utf8.count + rest.utf8.count }
        return "\(length)\(rest)"
    }

    private static func header(
        _ name: String,
        _ link: String,
        _ type: UInt8,
        _ object: ModelObject,
        _ size: Int
    ) -> [UInt8] {
        func octal(_ value: Int, _ width: Int) -> [UInt8] {
            let digits = Array(String(value, radix: 8).utf8)
            return [UInt8](repeating: UInt8(ascii: "0"), count: width - 1 - digits.count) + digits + [0]
        }
        func text(_ value: String, _ width: Int) -> [UInt8] {
            let bytes = Array(value.utf8.prefix(width))
            return bytes + [UInt8](repeating: 0, count: width - bytes.count)
        }
        var block = text(name, 100) + octal(object.mode, 8) + octal(object.uid, 8) + octal(object.gid, 8)
        block += octal(size, 12) + octal(1_400_000_000 + name.utf8.count, 12) + text("        ", 8) + [type]
        block += text(link, 100) + text("ustar\u{0}00", 8) + text("", 247)
        let sum = octal(block.reduce(0) { $0 + Int($1) }, 7)
        block.replaceSubrange(148..<155, with: sum)
        return block
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }

    /// Blocks that are stored, not compressed.
    private static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]
        var rest = bytes[...]
        repeat {
            let part = rest.prefix(0xffff)
            rest = rest.dropFirst(part.count)
            result += [rest.isEmpty ? 1 : 0] + little(part.count, 2) + little(~part.count & 0xffff, 2) + part
        } while !rest.isEmpty
        return result + little(Int(crc32(bytes)), 4) + little(bytes.count, 4)
    }

    /// Raw blocks in a frame without checksum.
    private static func zstd(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0xa0] + little(bytes.count, 4)
        var rest = bytes[...]
        repeat {
            let part = rest.prefix(0xffff)
            rest = rest.dropFirst(part.count)
            result += little(part.count << 3 | (rest.isEmpty ? 1 : 0), 3) + part
        } while !rest.isEmpty
        return result
    }

    private static func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
        }
    }
}
