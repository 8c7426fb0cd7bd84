import CImgDeflate

/// libdeflate: gzip members with neither name nor time in their headers (REP-8).
///
/// A block is one member, except that noise in it is stored as a member of its own. libdeflate compresses noise no faster than text,
/// to no avail: images, archives, media and model weights come this way many times faster. At the default level text gets one more.
@safe final class GzipBlockCompressor: BlockCompressor {
    private let level: Int
    /// By level, each made when it is first needed.
    private var deflaters: [Int: Deflater] = [:]

    init(level: Int) {
        self.level = level
    }

    func bound(_ count: Int) -> Int {
        libdeflate_gzip_compress_bound(nil, count)
            + NoiseRuns.limit(count) * libdeflate_gzip_compress_bound(nil, 1)
    }

    func compress(_ block: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let standard = CompressionSettings.defaultGzipLevel
        let isText = unsafe level == standard && TextSample.isText(block)
        let deflater = try deflater(isText ? level + 1 : level)
        // Whoever asks for a higher level wants every byte that it saves.
        guard level <= standard, unsafe !block.isEmpty else { return unsafe try deflater.member(block, into: out) }
        var written = 0
        var runs = unsafe NoiseRuns(block)
        while let run = runs.next() {
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: block[run.range])
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: out[written...])
            let isStored = run.isNoise ? unsafe try !shrinks(bytes, room, by: deflater) : false
            written += unsafe try (isStored ? self.deflater(0) : deflater).member(bytes, into: room)
        }
        return written
    }

    /// Whether noise repeats itself, as a pattern would: tried on its start.
    private func shrinks(
        _ noise: UnsafeRawBufferPointer,
        _ room: UnsafeMutableRawBufferPointer,
        by deflater: Deflater
    ) throws(StreamError) -> Bool {
        let start = unsafe UnsafeRawBufferPointer(rebasing: noise.prefix(NoiseRuns.chunk / 4))
        return unsafe try deflater.member(start, into: room) < start.count - start.count / 64
    }

    private func deflater(_ level: Int) throws(StreamError) -> Deflater {
        if let known = deflaters[level] { return known }
        let fresh = try Deflater(level: level)
        deflaters[level] = fresh
        return fresh
    }
}

/// libdeflate at one level, half a megabyte of memory; level 0 stores.
@safe private final class Deflater {
    private let raw: OpaquePointer

    init(level: Int) throws(StreamError) {
        guard let fresh = unsafe libdeflate_alloc_compressor(Int32(level)) else {
            throw StreamError(.tooLarge, "out of memory")
        }
        unsafe raw = fresh
    }

    deinit { unsafe libdeflate_free_compressor(raw) }

    /// - Returns: Bytes of the gzip member that was written.
    func member(
        _ bytes: UnsafeRawBufferPointer,
        into out: UnsafeMutableRawBufferPointer
    ) throws(StreamError) -> Int {
        let count = unsafe libdeflate_gzip_compress(
            raw,
            bytes.baseAddress,
            bytes.count,
            out.baseAddress,
            out.count
        )
        guard count > 0 else { throw StreamError(.tooLarge, "a compressed block does not fit") }
        return count
    }
}
