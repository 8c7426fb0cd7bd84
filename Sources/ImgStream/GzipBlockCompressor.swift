import CImgDeflate

/// libdeflate: gzip members with neither name nor time in their headers (REP-8).
///
/// A block is one member, except that noise in it is stored as a member of its own. libdeflate compresses noise no faster than text,
/// to no avail: images, archives, media and model weights come this way many times faster.
@safe final class GzipBlockCompressor: BlockCompressor {
    private let deflating: OpaquePointer
    /// Nil where whoever chose the level asked for the smallest result.
    private let storing: OpaquePointer?

    init(level: Int) throws(StreamError) {
        guard let deflating = unsafe libdeflate_alloc_compressor(Int32(level)) else {
            throw StreamError(.tooLarge, "out of memory")
        }
        unsafe self.deflating = deflating
        unsafe storing = level > CompressionSettings.defaultGzipLevel ? nil : libdeflate_alloc_compressor(0)
    }

    deinit {
        unsafe libdeflate_free_compressor(deflating)
        unsafe libdeflate_free_compressor(storing)
    }

    func bound(_ count: Int) -> Int {
        unsafe libdeflate_gzip_compress_bound(deflating, count)
            + NoiseRuns.limit(count) * libdeflate_gzip_compress_bound(deflating, 1)
    }

    func compress(_ block: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        guard let storing = unsafe storing, unsafe !block.isEmpty else {
            return unsafe try member(block, into: out, by: deflating)
        }
        var written = 0
        var runs = unsafe NoiseRuns(block)
        while let run = runs.next() {
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: block[run.range])
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: out[written...])
            var compressor = unsafe deflating
            if run.isNoise, unsafe try !shrinks(bytes, room) { unsafe compressor = storing }
            written += unsafe try member(bytes, into: room, by: compressor)
        }
        return written
    }

    /// Whether noise repeats itself, as a pattern would: tried on its start.
    private func shrinks(
        _ noise: UnsafeRawBufferPointer,
        _ room: UnsafeMutableRawBufferPointer
    ) throws(StreamError) -> Bool {
        let start = unsafe UnsafeRawBufferPointer(rebasing: noise.prefix(NoiseRuns.chunk / 4))
        return unsafe try member(start, into: room, by: deflating) < start.count - start.count / 32
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
