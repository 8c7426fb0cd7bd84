package import ImgOCI
package import ImgStream

/// Takes the contents of some files out of a layer's blob in one pass, into a scratch file.
package enum LayerContents {
    private static let chunkSize = 256 << 10

    /// Reads a layer up to the last wanted file; blocks.
    ///
    /// - Parameters:
    ///   - ordinals: Numbers of tar headers, counted from 0.
    ///   - source: The compressed blob.
    /// - Returns: Where each content lies.
    package static func extract(
        _ ordinals: Set<Int>,
        from source: any ByteSource,
        into spool: SpoolFile
    ) throws(StreamError) -> [Int: ContentRef] {
        var pieces: [Int: ContentRef] = [:]
        let reader = try TarReader(Inflater(source))
        var ordinal = 0
        while pieces.count < ordinals.count, let header = try reader.next() {
            if Task.isCancelled { throw StreamError(.cancelled, "interrupted") }
            if ordinals.contains(ordinal), header.kind == .file {
                let offset = spool.size
                while true {
                    let chunk = try reader.readChunk(chunkSize)
                    if chunk.isEmpty { break }
                    try spool.append(chunk.span)
                }
                pieces[ordinal] = .spool(file: spool, offset: offset, size: spool.size - offset)
            }
            ordinal += 1
        }
        guard pieces.count == ordinals.count else {
            throw StreamError(
                .corrupt,
                "the layer has no file as its entry \(ordinals.subtracting(pieces.keys).min() ?? 0)"
            )
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
