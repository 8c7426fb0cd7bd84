import ImgStream

/// A stack of layers that are all at hand; questions about whole directories are answered without waiting.
package struct LoadedTree: Sendable {
    /// What one layer adds to a directory: its entries there, the directory's own first if there is one.
    struct Share {
        var layer: Int
        var range: Range<Int>
    }

    private let layers: [LayerIndex]

    /// - Parameter layers: From the bottom to the top.
    package init(layers: [LayerIndex]) {
        self.layers = layers
    }

    /// One path without following symbolic links.
    package func lookup(_ path: [UInt8]) -> Entry? {
        var search = LayerSearch(TreePath.relative(path))
        var position = layers.count
        while let next = search.next(below: position) {
            position = next
            search.ask(layers[position], slot: position)
        }
        return search.result
    }

    /// What a directory holds, bytewise by name; nothing when it is no directory.
    package func children(of directory: [UInt8]) -> [Entry] {
        let path = TreePath.relative(directory)
        guard let shares = shares(of: path) else { return [] }
        var found: [Entry] = []
        forEachChild(of: path, shares) { entry, _ in found.append(entry) }
        return found
    }

    /// Everything below a directory, depth first and bytewise by name.
    package func walk(_ directory: [UInt8] = []) -> [Entry] {
        let path = TreePath.relative(directory)
        guard let shares = shares(of: path) else { return [] }
        var found: [Entry] = []
        walk(path, shares, into: &found)
        return found
    }

    private func walk(_ path: [UInt8], _ shares: [Share], into found: inout [Entry]) {
        var inner: [(place: Int, shares: [Share])] = []
        var level: [Entry] = []
        forEachChild(of: path, shares) { entry, shares in
            if entry.isDirectory { inner.append((level.count, shares)) }
            level.append(entry)
        }
        var next = 0
        for (place, entry) in level.enumerated() {
            found.append(entry)
            guard next < inner.count, inner[next].place == place else { continue }
            walk(entry.path, inner[next].shares, into: &found)
            next += 1
        }
    }

    private var rootShares: [Share] {
        var shares: [Share] = []
        for position in layers.indices.reversed() {
            shares.append(Share(layer: position, range: 0..<layers[position].paths.count))
            if layers[position].opaques.contains([]) { break }
        }
        return shares
    }

    /// The layers that a directory is made of, from the top; nil when there is no such directory.
    private func shares(of directory: [UInt8]) -> [Share]? {
        var shares = rootShares
        if directory.isEmpty { return shares }
        var start = 0
        while start <= directory.count {
            let end = directory[start...].firstIndex(of: UInt8(ascii: "/")) ?? directory.count
            let component = directory[start..<end]
            let groups = shares.map {
                Share(layer: $0.layer, range: layers[$0.layer].paths.narrow(to: component, at: start, in: $0.range))
            }
            guard let merged = merge(groups, path: Array(directory[..<end])), merged.entry.isDirectory else {
                return nil
            }
            shares = merged.shares
            start = end + 1
        }
        return shares
    }

    /// Calls `body` with each name of a directory in order.
    private func forEachChild(of directory: [UInt8], _ shares: [Share], _ body: (Entry, [Share]) -> Void) {
        let offset = directory.isEmpty ? 0 : directory.count + 1
        // Behind the directory's own entry, if it has one.
        var heads = shares.map { share in
            let isOwn =
                !share.range.isEmpty && layers[share.layer].paths.length(share.range.lowerBound) == directory.count
            return share.range.lowerBound + (isOwn ? 1 : 0)
        }
        while true {
            var least: ArraySlice<UInt8>?
            for (place, share) in shares.enumerated() where heads[place] < share.range.upperBound {
                let name = layers[share.layer].paths.component(heads[place], at: offset)
                if let current = least, !name.lexicographicallyPrecedes(current) { continue }
                least = name
            }
            guard let name = least else { return }
            let groups = shares.indices.map { place -> Share in
                let share = shares[place]
                let paths = layers[share.layer].paths
                let head = heads[place]
                guard head < share.range.upperBound, paths.component(head, at: offset) == name else {
                    return Share(layer: share.layer, range: head..<head)
                }
                heads[place] = paths.groupEnd(from: head, at: offset, in: share.range)
                return Share(layer: share.layer, range: head..<heads[place])
            }
            if let merged = merge(groups, path: TreePath.join(directory, name)) { body(merged.entry, merged.shares) }
        }
    }

    /// What the layers, from the top, make of one path.
    private func merge(_ groups: [Share], path: [UInt8]) -> (entry: Entry, shares: [Share])? {
        var entry: Entry?
        var isImplied = false
        var shares: [Share] = []
        for group in groups {
            let layer = layers[group.layer]
            if !group.range.isEmpty {
                let first = group.range.lowerBound
                if layer.paths.length(first) == path.count {
                    let own = layer.entry(at: first, slot: group.layer, path: path)
                    guard own.isDirectory else { return entry.map { ($0, shares) } ?? (hardlinkResolved(own), []) }
                    if entry == nil || isImplied { entry = own }
                    isImplied = false
                } else if entry == nil {
                    entry = .impliedDirectory(path)
                    isImplied = true
                }
            }
            // A layer without entries here may still have whiteouts for what lies deeper.
            if !group.range.isEmpty || !layer.whiteouts.isEmpty || !layer.opaques.isEmpty { shares.append(group) }
            if layer.opaques.contains(path[...]) || layer.whiteouts.contains(path[...]) { break }
        }
        return entry.map { ($0, shares) }
    }

    private func hardlinkResolved(_ entry: Entry) -> Entry {
        guard entry.kind == .hardlink else { return entry }
        return lookup(entry.path) ?? entry
    }
}
