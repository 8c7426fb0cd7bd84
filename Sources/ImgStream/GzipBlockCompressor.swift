import CImgDeflate

/// libdeflate: gzip members with neither name nor time in their headers (REP-8).
///
/// A block is one member, except that noise in it is stored as a member of its own. libdeflate compresses noise no faster than text,
/// to no avail: images, archives, media and model weights come this way many times faster. At the default level text gets one more.
@safe final class GzipBlockCompressor: BlockCompressor {
    private let deflating: OpaquePointer
    /// For text; nil where it gets no other level.
    private let deflatingText: OpaquePointer?
    /// Nil where whoever chose the level asked for the smallest result.
    private let storing: OpaquePointer?

    init(level: Int) throws(StreamError) {
        let standard = CompressionSettings.defaultGzipLevel
        guard let deflating = unsafe libdeflate_alloc_compressor(Int32(level)) else {
            throw StreamError(.tooLarge, "out of memory")
        }
        unsafe self.deflating = deflating
        unsafe deflatingText = level == standard ? libdeflate_alloc_compressor(Int32(level + 1)) : nil
        unsafe storing = level > standard ? nil : libdeflate_alloc_compressor(0)
    }

    deinit {
        unsafe libdeflate_free_compressor(deflating)
        unsafe libdeflate_free_compressor(deflatingText)
        unsafe libdeflate_free_compressor(storing)
    }

    func bound(_ count: Int) -> Int {
        unsafe libdeflate_gzip_compress_bound(deflating, count)
            + NoiseRuns.limit(count) * libdeflate_gzip_compress_bound(deflating, 1)
    }

    func compress(_ block: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        var deflating = unsafe deflating
        if let deflatingText = unsafe deflatingText, unsafe TextSample.isText(block) {
            unsafe deflating = deflatingText
        }
        guard let storing = unsafe storing, unsafe !block.isEmpty else {
            return unsafe try member(block, into: out, by: deflating)
        }
        var written = 0
        var runs = unsafe NoiseRuns(block)
        while let run = runs.next() {
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: block[run.range])
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: out[written...])
            let isStored = run.isNoise ? unsafe try !shrinks(bytes, room) : false
            written += unsafe try member(bytes, into: room, by: isStored ? storing : deflating)
        }
        return written
    }

    /// Whether noise repeats itself, as a pattern would: tried on its start.
    private func shrinks(
        _ noise: UnsafeRawBufferPointer,
        _ room: UnsafeMutableRawBufferPointer
    ) throws(StreamError) -> Bool {
        let start = unsafe UnsafeRawBufferPointer(rebasing: noise.prefix(NoiseRuns.chunk / 4))
        return unsafe try member(start, into: room, by: deflating) < start.count - start.count / 64
    }

    private func member(
        _ bytes: UnsafeRawBufferPointer,
        into out: UnsafeMutableRawBufferPointer,
        by compressor: OpaquePointer
    ) throws(StreamError) -> Int {
        let count = unsafe libdeflate_gzip_compress(
            compressor,
            bytes.baseAddress,
            bytes.count,
            out.baseAddress,
            out.count
        )
        guard count > 0 else { throw StreamError(.tooLarge, "a compressed block does not fit") }
        return count
    }
}
