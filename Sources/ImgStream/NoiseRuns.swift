/// A block cut where noise begins and ends: stretches in which all values are about equally frequent, as in what is compressed
/// or encrypted already.
///
/// Depends on the bytes alone. A sixteenth of them is looked at.
@safe struct NoiseRuns {
    struct Run: Equatable {
        var range: Range<Int>
        var isNoise: Bool
    }

    /// Bytes that are judged together; fewer are no noise.
    static let chunk = 64 << 10
    /// Of every so many bytes, so many are counted.
    private static let (period, counted) = (1024, 64)

    private let block: UnsafeRawBufferPointer
    private var position = 0
    /// What is known of the chunk at ``position``.
    private var isNoiseNext: Bool?

    init(_ block: UnsafeRawBufferPointer) {
        unsafe self.block = block
    }

    /// The most runs that a block of so many bytes has.
    static func limit(_ count: Int) -> Int { count / chunk + 1 }

    /// The next run; nil at the block's end.
    mutating func next() -> Run? {
        guard unsafe position < block.count else { return nil }
        let start = position
        let isNoise = isNoiseNext ?? self.isNoise(start)
        repeat {
            position = unsafe min(position + Self.chunk, block.count)
            isNoiseNext = self.isNoise(position)
        } while unsafe position < block.count && isNoiseNext == isNoise
        return Run(range: start..<position, isNoise: isNoise)
    }

    /// Whether two bytes of a chunk are equal hardly more often than by chance, one time in 256.
    ///
    /// Four hundredths more is over seven standard deviations of what noise shows, and half a percent that the frequencies
    /// of bytes could save.
    private func isNoise(_ start: Int) -> Bool {
        guard unsafe start + Self.chunk <= block.count else { return false }
        let samples = Self.chunk / Self.period * Self.counted
        let limit = samples * (samples - 1) / 2 * 104 / (256 * 100)
        var histogram = InlineArray<256, UInt16>(repeating: 0)
        var equalPairs = 0
        for stretch in stride(from: start, to: start + Self.chunk, by: Self.period) {
            for position in stretch..<(stretch + Self.counted) {
                let byte = unsafe Int(block[position])
                equalPairs += Int(histogram[byte])
                histogram[byte] += 1
            }
            if equalPairs > limit { return false }
        }
        return true
    }
}
