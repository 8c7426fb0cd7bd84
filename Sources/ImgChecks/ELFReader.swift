/// The program headers and the dynamic section of an ELF object, read from parts of the file.
///
/// - SeeAlso: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.dynamic.html>
struct ELFReader {
    /// A stretch of a file.
    struct Stretch: Hashable {
        var offset: UInt64
        var size: UInt64
    }

    private struct Segment {
        var type: UInt64
        var file: Stretch
        var address: UInt64
    }

    /// Beyond any file; sums of two such values do not overflow.
    private static let largest: UInt64 = 1 << 62
    /// More names, and bytes of them, than a linker writes: what is beyond was made to keep its reader busy.
    private static let nameLimit = 4096
    private static let neededLimit = 64 << 10

    private let is64: Bool
    private let head: ByteReader
    private let segments: [Segment]

    /// Reads the program headers out of the first bytes; nil when they lie beyond.
    init?(prefix: ArraySlice<UInt8>) {
        guard prefix.count >= 52 else { return nil }
        is64 = prefix[prefix.startIndex + 4] == 2
        head = ByteReader(bytes: prefix, isLittleEndian: prefix[prefix.startIndex + 5] == 1)
        guard let table = head.integer(at: is64 ? 32 : 28, width: is64 ? 8 : 4),
            let entrySize = head.integer(at: is64 ? 54 : 42, width: 2),
            let count = head.integer(at: is64 ? 56 : 44, width: 2),
            count <= 512, table <= UInt64(prefix.count)
        else { return nil }
        var segments: [Segment] = []
        for index in 0..<count {
            let entry = table + index * entrySize
            guard let type = head.integer(at: entry, width: 4),
                let offset = head.integer(at: entry + (is64 ? 8 : 4), width: is64 ? 8 : 4),
                let address = head.integer(at: entry + (is64 ? 16 : 8), width: is64 ? 8 : 4),
                let size = head.integer(at: entry + (is64 ? 32 : 16), width: is64 ? 8 : 4),
                offset <= Self.largest, size <= Self.largest
            else { return nil }
            segments.append(Segment(type: type, file: Stretch(offset: offset, size: size), address: address))
        }
        self.segments = segments
    }

    /// `PT_INTERP`, when it lies within the prefix.
    var interpreter: String? {
        segments.first { $0.type == 3 }.flatMap { head.text(at: $0.file.offset) }
    }

    /// Where the dynamic section is; nil for a static object.
    var dynamic: Stretch? { segments.first { $0.type == 2 }?.file }

    /// Where an address is in the prefix; nil when it lies outside.
    private func fileOffset(ofAddress address: UInt64) -> UInt64? {
        let load = segments.first { $0.type == 1 && address >= $0.address && address - $0.address < $0.file.size }
        let offset = load.map { address - $0.address + $0.file.offset }
        return offset.flatMap { $0 < UInt64(head.bytes.count) ? $0 : nil }
    }

    /// Fills what the dynamic section says, as far as the strings lie within the prefix.
    func read(dynamic section: ArraySlice<UInt8>, into facts: inout ExecutableFacts) {
        let reader = ByteReader(bytes: section, isLittleEndian: head.isLittleEndian)
        let width = is64 ? 8 : 4
        var neededOffsets: [UInt64] = []
        var tags: [UInt64: UInt64] = [:]
        var offset: UInt64 = 0
        while let tag = reader.integer(at: offset, width: width), tag != 0,
            let value = reader.integer(at: offset + UInt64(width), width: width)
        {
            if tag == 1 { neededOffsets.append(value) } else { tags[tag] = value }
            offset += UInt64(2 * width)
        }
        guard let strings = tags[5].flatMap(fileOffset(ofAddress:)) else { return }
        guard let names = neededNames(neededOffsets, strings) else { return }
        facts.hasDynamicInfo = true
        facts.needed = names
        facts.soname = tags[14].flatMap { head.text(at: strings &+ $0) }
        facts.rpath = tags[15].flatMap { head.text(at: strings &+ $0) }
        facts.runpath = tags[29].flatMap { head.text(at: strings &+ $0) }
        facts.glibcNeeded = neededVersions(tags, strings).compactMap(LibraryVersion.init(symbolVersion:)).max()
        facts.glibcDefined = definedVersions(tags, strings).compactMap(LibraryVersion.init(symbolVersion:)).max()
    }

    /// Names in `DT_NEEDED`; nil when one lies beyond the prefix or they are too many to be true.
    private func neededNames(_ offsets: [UInt64], _ strings: UInt64) -> [String]? {
        var names: [String] = []
        var size = 0
        for offset in offsets {
            guard let name = head.text(at: strings &+ offset) else { return nil }
            size += name.utf8.count
            guard size <= Self.neededLimit else { return nil }
            names.append(name)
        }
        return names
    }

    /// The name of a version; no `GLIBC_x.y` is longer than the limit.
    private func versionName(at offset: UInt64) -> String? { head.text(at: offset, limit: 64) }

    /// Names in `DT_VERNEED`: a list of libraries, each with a list of versions.
    private func neededVersions(_ tags: [UInt64: UInt64], _ strings: UInt64) -> [String] {
        guard var entry = tags[0x6fff_fffe].flatMap(fileOffset(ofAddress:)), let count = tags[0x6fff_ffff] else {
            return []
        }
        var names: [String] = []
        var left = Self.nameLimit
        for _ in 0..<min(count, UInt64(Self.nameLimit)) {
            guard let versions = head.integer(at: entry + 2, width: 2),
                let first = head.integer(at: entry + 8, width: 4),
                let next = head.integer(at: entry + 12, width: 4)
            else { break }
            var version = entry + first
            for _ in 0..<versions {
                left -= 1
                guard left >= 0, let flags = head.integer(at: version + 4, width: 2),
                    let name = head.integer(at: version + 8, width: 4),
                    let step = head.integer(at: version + 12, width: 4)
                else { break }
                // The loader only grumbles about a version that is marked weak.
                if flags & 2 == 0, let text = versionName(at: strings &+ name) { names.append(text) }
                if step == 0 { break }
                version += step
            }
            if next == 0 { break }
            entry += next
        }
        return names
    }

    /// Names in `DT_VERDEF`: a list of versions, the first name of each is its own.
    private func definedVersions(_ tags: [UInt64: UInt64], _ strings: UInt64) -> [String] {
        guard var entry = tags[0x6fff_fffc].flatMap(fileOffset(ofAddress:)), let count = tags[0x6fff_fffd] else {
            return []
        }
        var names: [String] = []
        for _ in 0..<min(count, UInt64(Self.nameLimit)) {
            guard let first = head.integer(at: entry + 12, width: 4), let next = head.integer(at: entry + 16, width: 4)
            else { break }
            if let name = head.integer(at: entry + first, width: 4), let text = versionName(at: strings &+ name) {
                names.append(text)
            }
            if next == 0 { break }
            entry += next
        }
        return names
    }
}
