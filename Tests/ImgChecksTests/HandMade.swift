/// Headers of binaries, byte by byte.
enum HandMade {
    enum Endian {
        case little
        case big
    }

    static func bytes(_ value: UInt64, _ width: Int, _ endian: Endian = .little) -> [UInt8] {
        let little = (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
        return endian == .little ? little : little.reversed()
    }

    /// An ELF header alone; `type` 2 is a program, 3 a shared object.
    static func elf(
        machine: UInt64,
        is64: Bool = true,
        endian: Endian = .little,
        type: UInt64 = 2,
        flags: UInt64 = 0
    ) -> [UInt8] {
        let word = is64 ? 8 : 4
        var header: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, endian == .little ? 1 : 2, 1]
        header += [UInt8](repeating: 0, count: 9)
        header += bytes(type, 2, endian) + bytes(machine, 2, endian) + bytes(1, 4, endian)
        header += [UInt8](repeating: 0, count: 3 * word)
        header += bytes(flags, 4, endian) + bytes(is64 ? 64 : 52, 2, endian)
        return header + [UInt8](repeating: 0, count: (is64 ? 64 : 52) - header.count)
    }

    /// A 64-bit little-endian program whose only program header is given by its fields.
    static func elf(segmentType: UInt64, offset: UInt64, address: UInt64, size: UInt64) -> [UInt8] {
        var header = elf(machine: 62)
        header.replaceSubrange(32..<40, with: bytes(64, 8))
        header.replaceSubrange(54..<58, with: bytes(56, 2) + bytes(1, 2))
        header += bytes(segmentType, 4) + bytes(4, 4) + bytes(offset, 8) + bytes(address, 8) + bytes(address, 8)
        return header + bytes(size, 8) + bytes(size, 8) + bytes(8, 8)
    }

    /// A 64-bit little-endian program with a dynamic section at 176 and the body behind it, loaded as it lies.
    static func elf(dynamic entries: [(tag: UInt64, value: UInt64)], body: [UInt8]) -> [UInt8] {
        let dynamic = (entries + [(0, 0)]).flatMap { bytes($0.tag, 8) + bytes($0.value, 8) }
        let size = UInt64(176 + dynamic.count + body.count)
        var header = elf(machine: 62)
        header.replaceSubrange(32..<40, with: bytes(64, 8))
        header.replaceSubrange(54..<58, with: bytes(56, 2) + bytes(2, 2))
        for (type, offset, size) in [(1, 0, size), (2, 176, UInt64(dynamic.count))] as [(UInt64, UInt64, UInt64)] {
            header += bytes(type, 4) + bytes(4, 4) + bytes(offset, 8) + bytes(offset, 8) + bytes(offset, 8)
            header += bytes(size, 8) + bytes(size, 8) + bytes(8, 8)
        }
        return header + dynamic + body
    }

    static func pe(machine: UInt64, flags: UInt64) -> [UInt8] {
        var header: [UInt8] = [0x4d, 0x5a] + [UInt8](repeating: 0, count: 0x3a)
        header += bytes(0x80, 4) + [UInt8](repeating: 0, count: 0x40)
        return header + [0x50, 0x45, 0, 0] + bytes(machine, 2) + [UInt8](repeating: 0, count: 16) + bytes(flags, 2)
    }

    static func machO(magic: UInt64, type: UInt64, endian: Endian) -> [UInt8] {
        bytes(magic, 4, endian) + bytes(type, 4, endian) + [UInt8](repeating: 0, count: 24)
    }

    static func fatMachO(types: [UInt64]) -> [UInt8] {
        bytes(0xcafe_babe, 4, .big) + bytes(UInt64(types.count), 4, .big)
            + types.flatMap { bytes($0, 4, .big) + [UInt8](repeating: 0, count: 16) }
    }
}
