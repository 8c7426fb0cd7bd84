import ImgOCI

/// Takes bytes in order.
///
/// Blocks; called on pool threads only.
package protocol ByteSink: AnyObject {
    func write(_ bytes: Span<UInt8>) throws(StreamError)
}

/// Writes a tar as container layers have it (LAY-4): ustar, with pax records only where ustar has no room.
///
/// The bytes depend on the headers alone: whole seconds, no names of users, no padding beyond the two final blocks.
package struct TarWriter: ~Copyable {
    private static let block = 512
    /// Largest values of ustar's octal fields of 8 and 12 bytes.
    private static let maxID: UInt32 = 0o7_777_777
    private static let maxLong: Int64 = 0o77_777_777_777

    private let sink: any ByteSink
    private var remaining: Int64 = 0
    private var padding = 0

    package init(into sink: any ByteSink) {
        self.sink = sink
    }

    /// Begins an entry; exactly `header.size` bytes of content must follow for a file.
    package mutating func append(_ header: TarHeader) throws(StreamError) {
        try endEntry()
        guard header.size >= 0, max(header.deviceMajor, header.deviceMinor) <= Self.maxID else {
            throw StreamError(.unsupported, "a size or device number that tar has no room for")
        }
        var path = header.path
        if header.kind == .directory { path.append(UInt8(ascii: "/")) }
        var block = UstarBlock()
        var records = PaxRecords()
        if path.count <= 100 {
            block.set(path, at: 0)
        } else if let cut = Self.split(path) {
            block.set(Array(path[(cut + 1)...]), at: 0)
            block.set(Array(path[..<cut]), at: 345)
        } else {
            records.addName("path", path)
            block.set(Array(path.prefix(100)), at: 0)
        }
        if header.linkTarget.count > 100 { records.addName("linkpath", header.linkTarget) }
        block.set(Array(header.linkTarget.prefix(100)), at: 157)
        let size = header.kind == .file ? header.size : 0
        if size > Self.maxLong { records.add("size", Array(String(size).utf8)) }
        if header.uid > Self.maxID { records.add("uid", Array(String(header.uid).utf8)) }
        if header.gid > Self.maxID { records.add("gid", Array(String(header.gid).utf8)) }
        let seconds = header.mtime.seconds
        if seconds < 0 || seconds > Self.maxLong { records.add("mtime", Array(String(seconds).utf8)) }
        for attribute in header.xattrs { records.add("SCHILY.xattr.\(attribute.name)", attribute.value) }
        if !records.isEmpty { try writeExtension(records, for: path) }
        block.octal(UInt64(header.mode & 0o7777), at: 100, width: 8)
        block.octal(header.uid > Self.maxID ? 0 : UInt64(header.uid), at: 108, width: 8)
        block.octal(header.gid > Self.maxID ? 0 : UInt64(header.gid), at: 116, width: 8)
        block.octal(size > Self.maxLong ? 0 : UInt64(max(0, size)), at: 124, width: 12)
        block.octal(seconds < 0 || seconds > Self.maxLong ? 0 : UInt64(seconds), at: 136, width: 12)
        block.bytes[156] = Self.typeFlag(header.kind)
        if header.kind == .charDevice || header.kind == .blockDevice {
            block.octal(UInt64(header.deviceMajor), at: 329, width: 8)
            block.octal(UInt64(header.deviceMinor), at: 337, width: 8)
        }
        try write(block)
        remaining = size
        padding = Int((Int64(Self.block) - size % Int64(Self.block)) % Int64(Self.block))
    }

    /// Content of the entry that was begun.
    package mutating func write(_ bytes: Span<UInt8>) throws(StreamError) {
        guard Int64(bytes.count) <= remaining else {
            throw StreamError(.corrupt, "a file grew while it was read")
        }
        remaining -= Int64(bytes.count)
        try sink.write(bytes)
    }

    /// Ends the archive: two blocks of zeros.
    package mutating func finish() throws(StreamError) {
        try endEntry()
        try sink.write([UInt8](repeating: 0, count: 2 * Self.block).span)
    }

    private mutating func endEntry() throws(StreamError) {
        guard remaining == 0 else { throw StreamError(.corrupt, "a file shrank while it was read") }
        if padding > 0 { try sink.write([UInt8](repeating: 0, count: padding).span) }
        padding = 0
    }

    private func write(_ block: consuming UstarBlock) throws(StreamError) {
        block.seal()
        try sink.write(block.bytes.span)
    }

    /// A pax header in front of the entry; its own name is never shown.
    private func writeExtension(_ records: PaxRecords, for path: [UInt8]) throws(StreamError) {
        var block = UstarBlock()
        let name = path.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? []
        block.set(Array("PaxHeaders.0/".utf8) + name.prefix(80), at: 0)
        block.octal(0o644, at: 100, width: 8)
        block.octal(0, at: 108, width: 8)
        block.octal(0, at: 116, width: 8)
        block.octal(UInt64(records.bytes.count), at: 124, width: 12)
        block.octal(0, at: 136, width: 12)
        block.bytes[156] = UInt8(ascii: "x")
        try write(block)
        try sink.write(records.bytes.span)
        let rest = (Self.block - records.bytes.count % Self.block) % Self.block
        if rest > 0 { try sink.write([UInt8](repeating: 0, count: rest).span) }
    }

    /// Where a long path is cut into ustar's prefix and name; nil when it cannot be.
    ///
    /// The last slash that leaves at most 155 bytes before it and 1 to 100 after it, a directory's own slash not
    /// counting. Names go into the fields as they are: readers agree on raw bytes there.
    private static func split(_ path: [UInt8]) -> Int? {
        guard path.count <= 256 else { return nil }
        let end = path.last == UInt8(ascii: "/") ? path.count - 1 : path.count
        guard let cut = path[..<min(156, end)].lastIndex(of: UInt8(ascii: "/")), cut > 0 else { return nil }
        return path.count - cut - 1 <= 100 ? cut : nil
    }

    private static func typeFlag(_ kind: TarHeader.Kind) -> UInt8 {
        switch kind {
        case .file: UInt8(ascii: "0")
        case .hardlink: UInt8(ascii: "1")
        case .symlink: UInt8(ascii: "2")
        case .charDevice: UInt8(ascii: "3")
        case .blockDevice: UInt8(ascii: "4")
        case .directory: UInt8(ascii: "5")
        case .fifo: UInt8(ascii: "6")
        }
    }
}

/// One header block.
private struct UstarBlock {
    var bytes = [UInt8](repeating: 0, count: 512)

    init() {
        set(Array("ustar\u{0}00".utf8), at: 257)
    }

    mutating func set(_ value: [UInt8], at offset: Int) {
        bytes.replaceSubrange(offset..<(offset + value.count), with: value)
    }

    /// Zero-padded octal digits and a final NUL.
    mutating func octal(_ value: UInt64, at offset: Int, width: Int) {
        var rest = value
        for place in stride(from: offset + width - 2, through: offset, by: -1) {
            bytes[place] = UInt8(ascii: "0") + UInt8(rest & 7)
            rest >>= 3
        }
        bytes[offset + width - 1] = 0
    }

    /// The checksum counts its own field as spaces.
    mutating func seal() {
        for place in 148..<156 { bytes[place] = UInt8(ascii: " ") }
        let sum = bytes.reduce(0) { $0 + UInt64($1) }
        octal(sum, at: 148, width: 7)
        bytes[155] = UInt8(ascii: " ")
    }
}

/// `length key=value\n`, the length counting itself.
private struct PaxRecords {
    var bytes: [UInt8] = []
    private var isBinary = false

    var isEmpty: Bool { bytes.isEmpty }

    /// A name; those that are not UTF-8 are announced, or libarchive would replace their bytes.
    mutating func addName(_ key: String, _ value: [UInt8]) {
        if !isBinary, String(validating: value, as: UTF8.self) == nil {
            isBinary = true
            add("hdrcharset", Array("BINARY".utf8))
        }
        add(key, value)
    }

    mutating func add(_ key: String, _ value: [UInt8]) {
        let body = [UInt8(ascii: " ")] + Array(key.utf8) + [UInt8(ascii: "=")] + value + [0x0a]
        var length = body.count
        while length != body.count + String(length).utf8.count { length = body.count + String(length).utf8.count }
        bytes += Array(String(length).utf8) + body
    }
}
