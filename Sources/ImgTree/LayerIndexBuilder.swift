import ImgOCI
package import ImgStream

extension LayerIndex {
    /// Collects a layer's headers in tar order and makes the index of them.
    package struct Builder {
        private var paths = PathTable()
        private var records: [Record] = []
        private var links: [UInt8] = []
        private var attachments: [Int: Attachment] = [:]
        private var whiteouts: [[UInt8]] = []
        private var opaques: [[UInt8]] = []
        private var headerCount = 0
        /// Bytes that the index takes, about.
        private var size = 0
        private let limit: Int

        /// An empty layer.
        package init() { self.init(limit: 1 << 30) }

        /// - Parameter limit: The most bytes of an index: compressed, headers come at a thousandth of their size.
        init(limit: Int) {
            self.limit = limit
        }

        private mutating func grow(by bytes: Int) throws(TreeError) {
            size += bytes
            guard size <= limit else {
                throw .tooLarge("its paths and what is kept of its files take over \(limit) bytes")
            }
        }

        /// Takes the next header; whiteouts and opaque markers are recognised by name.
        package mutating func append(
            _ header: TarHeader,
            note: [UInt8]? = nil,
            content: [UInt8]? = nil
        ) throws(TreeError) {
            let ordinal = headerCount
            headerCount += 1
            let path = TreePath.relative(header.path)
            guard path.count <= TreePath.longest else { throw .tooLarge("a path of \(path.count) bytes") }
            try grow(by: MemoryLayout<Record>.stride + path.count)
            if takeMarker(path) { return }
            var record = Record()
            record.kind = header.kind
            record.mode = header.mode & 0o7777
            record.uid = UInt32(clamping: header.uid)
            record.gid = UInt32(clamping: header.gid)
            record.size = header.kind == .file ? max(0, header.size) : 0
            record.seconds = header.mtime.seconds
            record.nanoseconds = header.mtime.nanoseconds
            record.deviceMajor = UInt32(clamping: header.deviceMajor)
            record.deviceMinor = UInt32(clamping: header.deviceMinor)
            guard let number = UInt32(exactly: ordinal) else { throw .tooLarge("more than 4294967295 entries") }
            record.ordinal = number
            if header.kind == .symlink || header.kind == .hardlink {
                let target = header.kind == .hardlink ? TreePath.relative(header.linkTarget) : header.linkTarget
                try appendLink(target, to: &record)
            }
            let attachment = Attachment(
                capability: header.xattrs.first { $0.name == "security.capability" }?.value,
                note: note,
                content: content
            )
            if !attachment.isEmpty {
                try grow(by: attachment.size)
                attachments[records.count] = attachment
            }
            try appendRecord(record, at: path)
        }

        private mutating func appendLink(_ target: [UInt8], to record: inout Record) throws(TreeError) {
            try grow(by: target.count)
            record.linkOffset = UInt32(links.count)
            record.linkLength = UInt32(target.count)
            links.append(contentsOf: target)
        }

        private mutating func appendRecord(_ record: Record, at path: some Collection<UInt8>) throws(TreeError) {
            guard paths.append(path) else { throw .tooLarge("more than 4 GiB of paths") }
            records.append(record)
        }

        private mutating func takeMarker(_ path: [UInt8]) -> Bool {
            let name = TreePath.name(path)
            guard name.starts(with: ".wh.".utf8) else { return false }
            if name.elementsEqual(".wh..wh..opq".utf8) {
                opaques.append(TreePath.parent(path))
            } else if !name.starts(with: ".wh..wh.".utf8), name.count > 4 {
                whiteouts.append(TreePath.join(TreePath.parent(path), name.dropFirst(4)))
            }
            return true
        }

        /// The sorted index: the last header of a path counts, hard links get their target's metadata.
        ///
        /// The builder is empty afterwards.
        package mutating func finish() throws(TreeError) -> LayerIndex {
            var (order, crossesLink) = liveOrder()
            var rounds = 0
            while crossesLink, rounds < 8 {
                try relocateThroughLinks()
                (order, crossesLink) = liveOrder()
                rounds += 1
            }
            var index = LayerIndex()
            index.headerCount = headerCount
            index.links = links
            if let order {
                try copy(order, to: &index)
            } else {
                // Moved: a copy would be made as soon as a hard link is resolved.
                swap(&index.records, &records)
                swap(&index.paths, &paths)
                swap(&index.attachments, &attachments)
            }
            for path in whiteouts.sorted(by: PathOrder.precedes) { _ = index.whiteouts.append(path) }
            for path in opaques.sorted(by: PathOrder.precedes) { _ = index.opaques.append(path) }
            try resolveHardlinks(of: &index)
            return index
        }

        private func copy(_ order: [Int], to index: inout LayerIndex) throws(TreeError) {
            index.records.reserveCapacity(order.count)
            index.paths.reserve(count: order.count, bytes: paths.bytes.count)
            for position in order {
                if let attachment = attachments[position] { index.attachments[index.records.count] = attachment }
                index.records.append(records[position])
                guard index.paths.append(paths[position]) else { throw .tooLarge("more than 4 GiB of paths") }
            }
        }

        /// Positions in path order, one for each path; nothing below what is not a directory.
        ///
        /// No order means that all are where they belong; `crossesLink` tells whether something was left out because a
        /// symbolic link stands in its way.
        private func liveOrder() -> (order: [Int]?, crossesLink: Bool) {
            var order = Array(0..<records.count)
            let isSorted = order.dropFirst().allSatisfy { PathOrder.compare(paths[$0 - 1], paths[$0]) < 0 }
            if !isSorted {
                order.sort { left, right in
                    let result = PathOrder.compare(paths[left], paths[right])
                    return result == 0 ? left < right : result < 0
                }
            }
            var live: [Int] = []
            live.reserveCapacity(order.count)
            var blocker: Int?
            var crossesLink = false
            for (place, position) in order.enumerated() {
                if place + 1 < order.count, paths[order[place + 1]] == paths[position] { continue }
                if let blocker, TreePath.isBelow(paths[position], paths[blocker]) {
                    crossesLink = crossesLink || records[blocker].kind == .symlink
                    continue
                }
                blocker = records[position].kind == .directory ? nil : position
                live.append(position)
            }
            return (isSorted && live.count == records.count ? nil : live, crossesLink)
        }

        /// Entries written through a symbolic link of the same layer land where the link points, as when unpacked.
        private mutating func relocateThroughLinks() throws(TreeError) {
            let moves = try linkedMoves()
            var moved = PathTable()
            moved.reserve(count: paths.count, bytes: paths.bytes.count)
            for position in 0..<paths.count {
                let path = moves[position].map { $0[...] } ?? paths[position]
                guard moved.append(path) else { throw .tooLarge("more than 4 GiB of paths") }
            }
            paths = moved
        }

        private func linkedMoves() throws(TreeError) -> [Int: [UInt8]] {
            var targets: [ArraySlice<UInt8>: [UInt8]] = [:]
            for position in records.indices where records[position].kind == .symlink {
                let record = records[position]
                let text = Array(links[Int(record.linkOffset)..<Int(record.linkOffset) + Int(record.linkLength)])
                let base = text.first == UInt8(ascii: "/") ? [] : TreePath.parent(Array(paths[position]))
                targets[paths[position]] = TreePath.relative(TreePath.join(base, text))
            }
            if targets.isEmpty { return [:] }
            for position in records.indices where records[position].kind != .symlink { targets[paths[position]] = nil }
            var moves: [Int: [UInt8]] = [:]
            var size = 0
            for position in records.indices {
                let path = paths[position]
                for slash in path.indices where path[slash] == UInt8(ascii: "/") {
                    guard let target = targets[path[..<slash]] else { continue }
                    let moved = TreePath.join(target, path[(slash + 1)...])
                    if moved.count <= TreePath.longest {
                        size += moved.count
                        guard size <= limit else {
                            throw .tooLarge("its paths take over \(limit) bytes once links are followed")
                        }
                        moves[position] = moved
                    }
                    break
                }
            }
            return moves
        }

        private mutating func resolveHardlinks(of index: inout LayerIndex) throws(TreeError) {
            for position in index.records.indices where index.records[position].kind == .hardlink {
                var target = position
                var hops = 0
                while index.records[target].kind == .hardlink, hops < 32 {
                    guard case .entry(let next) = index.probeTarget(of: index.records[target]) else { break }
                    target = next
                    hops += 1
                }
                guard index.records[target].kind != .hardlink, index.records[target].kind != .directory else {
                    continue
                }
                index.records[target].isShared = true
                index.records[position] = index.records[target]
                guard let attachment = index.attachments[target] else { continue }
                // Stored with each name.
                try grow(by: attachment.size)
                index.attachments[position] = attachment
            }
        }
    }

    private func probeTarget(of record: Record) -> Probe {
        record.linkLength == 0 ? .silent : probe(Array(linkTarget(record)))
    }
}
