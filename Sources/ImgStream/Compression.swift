import CImgZstd
package import ImgOCI

/// How the blocks of a layer are compressed.
package struct CompressionSettings: Hashable, Sendable, CustomStringConvertible {
    package var format: LayerCompression
    package var level: Int

    /// Layers within 2 % of what zlib's default level makes of them, for a quarter of its work.
    ///
    /// 904 MB of libraries and documentation, seconds of processor time: zlib 6 324 MB, 29.2; libdeflate 3 331 MB, 6.8;
    /// 4 329 MB, 7.4; 5 323 MB, 9.4; 6 321 MB, 11.1. Blocks of 4 MiB would save another 0.3 %, of 256 KiB cost as much.
    package static let defaultGzipLevel = 4
    package static let defaultZstdLevel = 3

    /// - Throws: ``StreamError`` when the level is out of range: gzip 1…12, zstd 1…22, and none for uncompressed.
    package init(format: LayerCompression, level: Int? = nil) throws(StreamError) {
        self.format = format
        let range: ClosedRange<Int>
        switch format {
        case .gzip: (range, self.level) = (1...12, level ?? Self.defaultGzipLevel)
        case .zstd: (range, self.level) = (1...22, level ?? Self.defaultZstdLevel)
        case .uncompressed:
            guard level == nil else { throw StreamError(.unsupported, "uncompressed layers have no level") }
            self.level = 0
            return
        }
        guard range.contains(self.level) else {
            throw StreamError(
                .unsupported,
                "\(format.rawValue) has levels \(range.lowerBound) to \(range.upperBound), not \(self.level)"
            )
        }
    }

    /// gzip at the default level.
    package static var standard: CompressionSettings {
        CompressionSettings(format: .gzip, checkedLevel: defaultGzipLevel)
    }

    private init(format: LayerCompression, checkedLevel: Int) {
        self.format = format
        level = checkedLevel
    }

    /// Part of cache keys.
    package var description: String { "\(format.rawValue)-\(level)" }

    /// Uncompressed bytes per block; every block is a gzip member or zstd frame of its own, so that the result does not
    /// depend on how many threads work on it.
    package static let blockSize = 1 << 20
}

/// Compresses single blocks; one per thread.
protocol BlockCompressor: AnyObject {
    /// Largest result for a block.
    func bound(_ count: Int) -> Int
    /// Compresses a whole block into `out`, which has room for ``bound(_:)`` bytes.
    func compress(_ block: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int
}

extension CompressionSettings {
    /// Nil when blocks are passed on as they are.
    func makeCompressor() throws(StreamError) -> (any BlockCompressor)? {
        switch format {
        case .gzip: GzipBlockCompressor(level: level)
        case .zstd: try ZstdBlockCompressor(level: level)
        case .uncompressed: nil
        }
    }
}

/// libzstd: one frame per block, with its content size.
@safe private final class ZstdBlockCompressor: BlockCompressor {
    private let raw: OpaquePointer
    private let level: Int32

    init(level: Int) throws(StreamError) {
        guard let fresh = unsafe ZSTD_createCCtx() else { throw StreamError(.tooLarge, "out of memory") }
        unsafe raw = fresh
        self.level = Int32(level)
    }

    deinit { unsafe ZSTD_freeCCtx(raw) }

    func bound(_ count: Int) -> Int { ZSTD_compressBound(count) }

    func compress(_ block: UnsafeRawBufferPointer, into out: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let count = unsafe ZSTD_compressCCtx(raw, out.baseAddress, out.count, block.baseAddress, block.count, level)
        guard ZSTD_isError(count) == 0 else {
            throw StreamError(.corrupt, "zstd: \(unsafe String(cString: ZSTD_getErrorName(count)))")
        }
        return count
    }
}
