package import ImgOCI
package import ImgStore
package import ImgStream

/// A layer that exists, compressed in another way: the same files, the same diff ID.
package enum LayerConversion {
    /// Reads a layer once, verifies it, and puts it into the store as it is wanted.
    ///
    /// Blocks; for pool threads only.
    /// - Parameters:
    ///   - source: The blob of `original`.
    ///   - workers: Threads that compress beside the caller's.
    /// - Returns: The new descriptor, and the file with its bytes.
    /// - Throws: ``StreamError`` or `CancellationError`; nothing is kept when a digest differs.
    package static func convert(
        _ source: any ByteSource,
        of original: Descriptor,
        diffID: Digest,
        settings: CompressionSettings,
        workers: Int,
        into store: ContentStore
    ) throws -> (descriptor: Descriptor, path: String) {
        let blob = VerifyingSource(source, expecting: .init(digest: original.digest, size: original.size))
        // What is compressed is hashed by SHA-256 anyway.
        let tar = try Inflater(blob, expecting: diffID.algorithm == .sha256 ? nil : diffID)
        let draft = try store.draft()
        let compressor = LayerCompressor(settings: settings, workers: workers, into: draft)
        var buffer = ReadBuffer()
        while try buffer.fill(from: tar) {
            try Task.checkCancellation()
            try buffer.withSpan { chunk throws(StreamError) in try compressor.write(chunk) }
        }
        let result = try compressor.finish()
        try tar.finish()
        try blob.finish()
        guard diffID.algorithm != .sha256 || result.diffID == diffID else {
            throw StreamError(.corrupt, "the uncompressed layer does not have the diff ID \(diffID)")
        }
        let descriptor = Descriptor(
            mediaType: .ociLayer(settings.format),
            digest: result.digest,
            size: result.size
        )
        return (descriptor, try draft.commit(as: result.digest))
    }
}
