package import ImgOCI

/// Compresses a layer's tar on all cores: diff ID, compression, digest, and whatever keeps the bytes.
package final class LayerCompressor: ByteSink {
    /// What a finished layer is.
    package struct Result: Sendable, Hashable {
        /// Digest of the uncompressed tar.
        package var diffID: Digest
        /// Digest and size of the blob.
        package var digest: Digest
        package var size: Int64
    }

    private let blob: HashingSink
    private let pipeline: BlockPipeline?
    private let tar: HashingSink

    /// - Parameters:
    ///   - workers: Threads that compress beside the caller's.
    ///   - sink: Takes the compressed bytes in order.
    package init(settings: CompressionSettings, workers: Int, into sink: any ByteSink) {
        blob = HashingSink(into: sink)
        pipeline =
            settings.format == .uncompressed ? nil : BlockPipeline(settings: settings, workers: workers, sink: blob)
        tar = HashingSink(into: BatchingSink(into: pipeline ?? blob))
    }

    /// The next bytes of the tar.
    package func write(_ bytes: Span<UInt8>) throws(StreamError) { try tar.write(bytes) }

    /// Ends the layer; the sink has then got everything.
    package func finish() throws(StreamError) -> Result {
        try tar.flush()
        try pipeline?.finish()
        return Result(diffID: tar.digest, digest: blob.digest, size: blob.count)
    }
}

/// Writes a layer in one pass, entry by entry.
package final class LayerWriter {
    private let compressor: LayerCompressor
    private var tar: TarWriter

    /// - Parameters: As ``LayerCompressor``.
    package init(settings: CompressionSettings, workers: Int, into sink: any ByteSink) {
        compressor = LayerCompressor(settings: settings, workers: workers, into: sink)
        tar = TarWriter(into: compressor)
    }

    /// Begins an entry; its content must follow.
    package func append(_ header: TarHeader) throws(StreamError) { try tar.append(header) }

    /// Content of the entry that was begun.
    package func write(_ bytes: Span<UInt8>) throws(StreamError) { try tar.write(bytes) }

    /// Ends the archive; the sink has then got everything.
    package func finish() throws(StreamError) -> LayerCompressor.Result {
        try tar.finish()
        return try compressor.finish()
    }
}

/// The diff ID of a layer without compressing it.
package final class LayerHasher {
    private let sink = HashingSink(into: BatchingSink(into: NullSink()))
    private var tar: TarWriter

    package init() {
        tar = TarWriter(into: sink)
    }

    package func append(_ header: TarHeader) throws(StreamError) { try tar.append(header) }

    package func write(_ bytes: Span<UInt8>) throws(StreamError) { try tar.write(bytes) }

    package func finish() throws(StreamError) -> Digest {
        try tar.finish()
        return sink.digest
    }
}

/// Counts and hashes what passes.
package final class HashingSink: ByteSink {
    private let sink: any ByteSink
    private var hash = SHA256()
    package private(set) var count: Int64 = 0

    package init(into sink: any ByteSink) {
        self.sink = sink
    }

    package func write(_ bytes: Span<UInt8>) throws(StreamError) {
        hash.update(bytes)
        count += Int64(bytes.count)
        try sink.write(bytes)
    }

    package var digest: Digest { hash.current() }

    func flush() throws(StreamError) { try (sink as? BatchingSink)?.flush() }
}

/// Gathers small writes: a tar of small files is mostly 512-byte blocks.
final class BatchingSink: ByteSink {
    private static let size = 64 << 10
    private let sink: any ByteSink
    private var pending: [UInt8] = []

    init(into sink: any ByteSink) {
        self.sink = sink
        pending.reserveCapacity(2 * Self.size)
    }

    func write(_ bytes: Span<UInt8>) throws(StreamError) {
        if pending.isEmpty, bytes.count >= Self.size {
            try sink.write(bytes)
            return
        }
        unsafe bytes.withUnsafeBufferPointer { unsafe pending.append(contentsOf: $0) }
        if pending.count >= Self.size { try flush() }
    }

    func flush() throws(StreamError) {
        guard !pending.isEmpty else { return }
        // Taken out for the call: a span must not outlive a property that the sink could change.
        var batch: [UInt8] = []
        swap(&batch, &pending)
        try sink.write(batch.span)
        batch.removeAll(keepingCapacity: true)
        swap(&batch, &pending)
    }
}

/// Drops everything.
package final class NullSink: ByteSink {
    package init() {}

    package func write(_ bytes: Span<UInt8>) throws(StreamError) {}
}

/// Keeps everything in memory.
package final class BytesSink: ByteSink {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package func write(_ bytes: Span<UInt8>) throws(StreamError) {
        unsafe bytes.withUnsafeBufferPointer { unsafe self.bytes.append(contentsOf: $0) }
    }
}
