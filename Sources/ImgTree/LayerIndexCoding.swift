import ImgStream

/// The stored form of a ``LayerIndex``: a magic with a version, variable-length integers, a checksum.
///
/// Paths share their beginning with the one before; a typical entry takes 25 bytes.
extension LayerIndex {
    private static let magic: [UInt8] = Array("imgtree1".utf8)

    /// The bytes for the cache; the same index gives the same bytes.
    package func encoded() -> [UInt8] {
        var out = ByteEncoder(Self.magic)
        out.number(UInt64(headerCount))
        out.number(UInt64(records.count))
        var previous: ArraySlice<UInt8> = []
        for (position, record) in records.enumerated() {
            out.path(paths[position], after: previous)
            previous = paths[position]
            encode(record, attachment: attachments[position], into: &out)
        }
        for table in [whiteouts, opaques] {
            out.number(UInt64(table.count))
            for position in 0..<table.count { out.bytes(table[position]) }
        }
        return out.finish()
    }

    private func encode(_ record: Record, attachment: Attachment?, into out: inout ByteEncoder) {
        var flags: UInt64 = record.isShared ? 1 : 0
        if record.linkLength > 0 { flags |= 2 }
        if record.deviceMajor != 0 || record.deviceMinor != 0 { flags |= 4 }
        if attachment?.capability != nil { flags |= 8 }
        if attachment?.note != nil { flags |= 16 }
        if attachment?.content != nil { flags |= 32 }
        if record.nanoseconds != 0 { flags |= 64 }
        out.number(flags)
        out.number(UInt64(record.kind.code))
        out.number(UInt64(record.mode))
        out.number(UInt64(record.uid))
        out.number(UInt64(record.gid))
        out.number(UInt64(bitPattern: record.size))
        out.signed(record.seconds)
        out.number(UInt64(record.ordinal))
        if flags & 64 != 0 { out.number(UInt64(UInt32(bitPattern: record.nanoseconds))) }
        if flags & 2 != 0 { out.bytes(linkTarget(record)) }
        if flags & 4 != 0 {
            out.number(UInt64(record.deviceMajor))
            out.number(UInt64(record.deviceMinor))
        }
        for bytes in [attachment?.capability, attachment?.note, attachment?.content] {
            if let bytes { out.bytes(bytes) }
        }
    }

    /// Reads the stored form.
    ///
    /// - Throws: ``TreeError/corruptIndex(_:)`` for anything that ``encoded()`` does not write.
    package init(decoding bytes: [UInt8]) throws(TreeError) {
        self.init()
        var input = try ByteDecoder(bytes, magic: Self.magic)
        headerCount = try input.count(limit: Int(UInt32.max))
        let total = try input.count(limit: bytes.count)
        records.reserveCapacity(total)
        paths.reserve(count: total, bytes: bytes.count)
        var path: [UInt8] = []
        for position in 0..<total {
            let previous = path
            try input.path(after: &path)
            guard position == 0 || PathOrder.precedes(previous, path) else { throw .corruptIndex("paths out of order") }
            guard TreePath.isRelativeClean(path), path.count <= TreePath.longest, paths.append(path) else {
                throw .corruptIndex("malformed path")
            }
            try decodeRecord(at: position, from: &input)
        }
        for table in [\LayerIndex.whiteouts, \LayerIndex.opaques] {
            try decodeTable(table, from: &input)
        }
        try input.finish()
    }

    private mutating func decodeTable(
        _ table: WritableKeyPath<LayerIndex, PathTable>,
        from input: inout ByteDecoder
    ) throws(TreeError) {
        var previous: [UInt8]?
        for _ in 0..<(try input.count(limit: input.remaining)) {
            let path = try input.bytes()
            if let previous, PathOrder.precedes(path, previous) { throw .corruptIndex("markers out of order") }
            guard TreePath.isRelativeClean(path), self[keyPath: table].append(path) else {
                throw .corruptIndex("malformed path")
            }
            previous = path
        }
    }

    private mutating func decodeRecord(at position: Int, from input: inout ByteDecoder) throws(TreeError) {
        var record = Record()
        let flags = try input.number()
        guard flags < 128, let kind = EntryKind(code: try input.number()) else { throw .corruptIndex("unknown kind") }
        record.kind = kind
        record.isShared = flags & 1 != 0
        record.mode = UInt16(truncatingIfNeeded: try input.count(limit: 0o7777))
        record.uid = try input.word()
        record.gid = try input.word()
        record.size = Int64(bitPattern: try input.number())
        guard record.size >= 0 else { throw .corruptIndex("negative size") }
        record.seconds = try input.signed()
        record.ordinal = try input.word()
        if flags & 64 != 0 { record.nanoseconds = Int32(truncatingIfNeeded: try input.count(limit: 999_999_999)) }
        if flags & 2 != 0 {
            let target = try input.bytes()
            guard links.count + target.count < Int(UInt32.max) else { throw .corruptIndex("too long") }
            record.linkOffset = UInt32(links.count)
            record.linkLength = UInt32(target.count)
            links.append(contentsOf: target)
        }
        if flags & 4 != 0 {
            record.deviceMajor = try input.word()
            record.deviceMinor = try input.word()
        }
        records.append(record)
        guard flags & 56 != 0 else { return }
        attachments[position] = Attachment(
            capability: flags & 8 != 0 ? try input.bytes() : nil,
            note: flags & 16 != 0 ? try input.bytes() : nil,
            content: flags & 32 != 0 ? try input.bytes() : nil
        )
    }
}

extension EntryKind {
    fileprivate var code: UInt8 {
        switch self {
        case .file: 0
        case .directory: 1
        case .symlink: 2
        case .hardlink: 3
        case .fifo: 4
        case .charDevice: 5
        case .blockDevice: 6
        }
    }

    fileprivate init?(code: UInt64) {
        switch code {
        case 0: self = .file
        case 1: self = .directory
        case 2: self = .symlink
        case 3: self = .hardlink
        case 4: self = .fifo
        case 5: self = .charDevice
        case 6: self = .blockDevice
        default: return nil
        }
    }
}
