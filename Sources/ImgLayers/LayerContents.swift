package import ImgOCI
package import ImgStream

/// Takes the contents of some files out of a layer's blob in one pass, into a scratch file.
package enum LayerContents {
    /// One file's content in the scratch file.
    package struct Piece: Sendable, Hashable {
        package var offset: Int64
        package var size: Int64
    }

    /// Reads a layer up to the last wanted file.
    ///
    /// - Parameters:
    ///   - source: The compressed blob.
    ///   - ordinals: Numbers of tar headers, counted from 0.
    /// - Returns: Where each content lies in `spool`.
    package static func extract(
        _ ordinals: Set<Int>,
        from source: any ByteSource,
        into spool: SpoolFile
    ) throws -> [Int: Piece] {
        var pieces: [Int: Piece] = [:]
        let reader = try TarReader(Inflater(source))
        var ordinal = 0
        while pieces.count < ordinals.count, try reader.next() != nil {
            try Task.checkCancellation()
            if ordinals.contains(ordinal) {
                pieces[ordinal] = try spool.append(contentOf: reader)
            }
            ordinal += 1
        }
        guard pieces.count == ordinals.count else {
            throw StreamError(.corrupt, "the layer ends before entry \(ordinals.subtracting(pieces.keys).min() ?? 0)")
        }
        return pieces
    }
}

extension LayerSpec {
    /// The contents that lie in other layers, by layer.
    package var contentsInLayers: [Digest: Set<Int>] {
        var wanted: [Digest: Set<Int>] = [:]
        for entry in entries {
            guard case .layerEntry(let layer, let ordinal, _)? = entry.content else { continue }
            wanted[layer, default: []].insert(ordinal)
        }
        return wanted
    }
}
