extension LayerIndex {
    /// A path whose parent directory the layer does not hold itself; nil when every parent is there.
    package var orphan: [UInt8]? {
        for position in 0..<paths.count {
            let path = Array(paths[position])
            guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { continue }
            if case .entry = probe(Array(path[..<slash])) { continue }
            return path
        }
        return nil
    }
}
