package import ImgOCI
package import ImgStream

extension LayerIndex {
    /// The most bytes of files that are kept of one layer; what is beyond is read from the layer when it is asked for.
    private static let keptTotal: Int64 = 32 << 20

    /// Reads a layer once, as it comes from a registry or the store, and keeps its index; nothing is unpacked.
    ///
    /// Blocks; for pool threads only.
    /// - Parameters:
    ///   - source: gzip, zstd or plain tar.
    ///   - expected: Digest and size of the compressed bytes, checked to the last one.
    ///   - diffID: Digest of the uncompressed tar, checked when known.
    ///   - inspector: Asked about every regular file.
    /// - Throws: ``StreamError``, ``TreeError`` or `CancellationError`; nothing is returned when a digest differs.
    package static func scan(
        _ source: any ByteSource,
        expecting expected: Descriptor?,
        diffID: Digest? = nil,
        inspector: (any FileInspector)? = nil
    ) throws -> LayerIndex {
        guard let expected else { return try scan(uncompressing: source, diffID: diffID, inspector: inspector) }
        let verifying = VerifyingSource(source, expecting: .init(digest: expected.digest, size: expected.size))
        let index = try scan(uncompressing: verifying, diffID: diffID, inspector: inspector)
        try verifying.finish()
        return index
    }

    private static func scan(
        uncompressing source: any ByteSource,
        diffID: Digest?,
        inspector: (any FileInspector)?
    ) throws -> LayerIndex {
        let tar = try Inflater(source, expecting: diffID)
        let reader = try TarReader(tar)
        var builder = Builder()
        var kept: Int64 = 0
        while let header = try reader.next() {
            try Task.checkCancellation()
            var content: [UInt8]?
            var note: [UInt8]?
            if header.kind == .file {
                if header.size <= min(keptLimit(header.path), keptTotal - kept) {
                    kept += header.size
                    let bytes = try reader.readAll(limit: Accounts.fileLimit)
                    content = bytes
                    var position = 0
                    note = try inspector?
                        .inspect(header) { maximum in
                            defer { position = min(bytes.count, position + maximum) }
                            return Array(bytes[position...].prefix(maximum))
                        }
                } else {
                    note = try inspector?
                        .inspect(header) { maximum throws(StreamError) in try reader.readChunk(maximum) }
                }
            }
            try builder.append(header, note: note, content: content)
        }
        try tar.finish()
        return try builder.finish()
    }

    /// Up to which size a file's content is kept: account files, and what an account file may be a link to.
    private static func keptLimit(_ path: [UInt8]) -> Int64 {
        if path == Array("etc/passwd".utf8) || path == Array("etc/group".utf8) { return Int64(Accounts.fileLimit) }
        let name = TreePath.name(path)
        return name.elementsEqual("passwd".utf8) || name.elementsEqual("group".utf8) ? 64 << 10 : -1
    }
}
