import ImgOCI
import ImgStream

/// The compact, immutable list of what one layer holds: paths, metadata, whiteouts; no content (NOTE-5).
///
/// Memory is about 64 bytes an entry plus its path; all paths share one buffer.
package struct LayerIndex: Sendable {
    struct Record: Sendable, Hashable {
        var size: Int64 = 0
        var seconds: Int64 = 0
        var nanoseconds: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        /// Of the header that holds the content: a hard link has its target's.
        var ordinal: UInt32 = 0
        var linkOffset: UInt32 = 0
        var linkLength: UInt32 = 0
        var deviceMajor: UInt32 = 0
        var deviceMinor: UInt32 = 0
        var mode: UInt16 = 0
        /// `.hardlink` only when the target is not in this layer.
        var kind: EntryKind = .file
        var isShared = false
    }

    /// What few entries have.
    struct Attachment: Sendable, Hashable {
        var capability: [UInt8]?
        var note: [UInt8]?
        var content: [UInt8]?

        var isEmpty: Bool { capability == nil && note == nil && content == nil }
        var size: Int { (capability?.count ?? 0) + (note?.count ?? 0) + (content?.count ?? 0) }
    }

    var paths = PathTable()
    var records: [Record] = []
    var links: [UInt8] = []
    /// Paths of lower layers that this layer removes.
    var whiteouts = PathTable()
    /// Directories whose content in lower layers this layer hides.
    var opaques = PathTable()
    var attachments: [Int: Attachment] = [:]
    /// Number of tar headers in the layer, whiteouts included.
    package internal(set) var headerCount = 0

    /// A layer without entries.
    package init() {}

    /// Number of paths, whiteouts not counted.
    package var count: Int { records.count }

    /// The small files that are kept whole, by path: `etc/passwd`, `etc/group` and files of these names elsewhere.
    package func content(of path: [UInt8]) -> [UInt8]? {
        guard case .entry(let position) = probe(path) else { return nil }
        return attachments[position]?.content
    }

    func linkTarget(_ record: Record) -> ArraySlice<UInt8> {
        links[Int(record.linkOffset)..<Int(record.linkOffset) + Int(record.linkLength)]
    }

    /// The entry at a position, in `slot` of its stack.
    func entry(at position: Int, slot: Int, path: [UInt8]? = nil) -> Entry {
        let record = records[position]
        let attachment = attachments.isEmpty ? nil : attachments[position]
        var entry = Entry(path: path ?? Array(paths[position]), kind: record.kind, mode: record.mode)
        entry.uid = record.uid
        entry.gid = record.gid
        entry.size = record.size
        entry.mtime = Timestamp(seconds: record.seconds, nanoseconds: record.nanoseconds)
        if record.linkLength > 0 { entry.linkTarget = Array(linkTarget(record)) }
        entry.deviceMajor = record.deviceMajor
        entry.deviceMinor = record.deviceMinor
        entry.capability = attachment?.capability
        entry.note = attachment?.note
        entry.origin = Entry.Origin(layer: slot, ordinal: Int(record.ordinal))
        entry.isShared = record.isShared
        return entry
    }

    /// What this layer says about a path.
    enum Probe {
        /// The layer has it, at this position.
        case entry(Int)
        /// The layer has something below it, so it is a directory; lower layers may know its metadata unless hidden.
        case impliedDirectory(hidesLower: Bool)
        /// The layer decides that it does not exist, whatever lower layers hold.
        case hidden
        /// The layer says nothing.
        case silent
    }

    /// - Parameter path: Relative, clean, not empty.
    func probe(_ path: [UInt8]) -> Probe {
        var range = 0..<paths.count
        var isHidden = opaques.contains([])
        let hasMarks = !whiteouts.isEmpty || !opaques.isEmpty
        var start = 0
        while true {
            let end = path[start...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
            if !range.isEmpty { range = paths.narrow(to: path[start..<end], at: start, in: range) }
            if hasMarks, !isHidden {
                isHidden = whiteouts.contains(path[..<end]) || (end < path.count && opaques.contains(path[..<end]))
            }
            if range.isEmpty {
                if isHidden { return .hidden }
                if !hasMarks || end == path.count { return .silent }
            } else {
                let isExplicit = paths.length(range.lowerBound) == end
                if end == path.count {
                    return isExplicit ? .entry(range.lowerBound) : .impliedDirectory(hidesLower: isHidden)
                }
                if isExplicit, records[range.lowerBound].kind != .directory { return .hidden }
            }
            start = end + 1
        }
    }
}
