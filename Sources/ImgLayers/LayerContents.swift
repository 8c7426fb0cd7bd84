package import ImgOCI
package import ImgStream

/// Takes the contents of some files out of a layer's blob in one pass, into a scratch file.
package enum LayerContents {
    /// Reads a layer, up to the last wanted file as a tar, and to its end for the digest.
    ///
    /// - Parameters:
    ///   - ordinals: Numbers of tar headers, counted from 0.
    ///   - source: The compressed blob.
    ///   - expected: Its digest and size.
    /// - Returns: Where each content lies in `spool`.
    /// - Throws: ``StreamError`` or `CancellationError`; no content is returned of a blob that is another.
    package static func extract(
        _ ordinals: Set<Int>,
        from source: any ByteSource,
        expecting expected: Descriptor,
        into spool: SpoolFile
    ) throws -> [Int: SpoolFile.Piece] {
        let blob = VerifyingSource(source, expecting: .init(digest: expected.digest, size: expected.size))
        let pieces = try pieces(ordinals, of: TarReader(Inflater(blob)), into: spool)
        try blob.finish()
        return pieces
    }

    private static func pieces(
        _ ordinals: Set<Int>,
        of reader: TarReader,
        into spool: SpoolFile
    ) throws -> [Int: SpoolFile.Piece] {
        var pieces: [Int: SpoolFile.Piece] = [:]
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
