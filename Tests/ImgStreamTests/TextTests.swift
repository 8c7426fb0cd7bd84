import ImgStream
import Testing

@Suite("Text in a gzip layer") struct TextTests {
    private static let text = Array(CompressionTests.content.prefix(1_500_000))

    @Test func isCompressedOneLevelHigher() throws {
        let standard = try NoiseTests.compressed(Self.text)
        #expect(try standard == NoiseTests.compressed(Self.text, level: 5))
        #expect(try standard == NoiseTests.compressed(Self.text, level: 4))
        #expect(try standard.count < NoiseTests.compressed(Self.text, level: 3).count)
    }

    /// A layer of small files is headers for an eighth and more.
    @Test func mayHaveZeroesBetween() throws {
        var layer: [UInt8] = []
        while layer.count < 1_500_000 {
            let start = layer.count % 1_000_000
            layer += Self.text[start..<start + 3000]
            layer += [UInt8](repeating: 0, count: 600)
        }
        #expect(try NoiseTests.compressed(layer) == NoiseTests.compressed(layer, level: 5))
    }

    @Test func isWhatHasMostlyPrintableBytes() throws {
        let other = Self.text.map { $0 | 0x80 }
        #expect(try NoiseTests.compressed(other) != NoiseTests.compressed(other, level: 5))
        let mixed = zip(Self.text, other).enumerated().map { $0.offset % 3 == 0 ? $0.element.1 : $0.element.0 }
        #expect(try NoiseTests.compressed(mixed) != NoiseTests.compressed(mixed, level: 5))
    }

    /// Each block is looked at for itself.
    @Test func isJudgedByTheBlock() throws {
        let block = 1 << 20
        let other = Self.text.prefix(block).map { $0 | 0x80 }
        let both = try NoiseTests.compressed(Array(Self.text.prefix(block)) + other)
        #expect(try both.starts(with: NoiseTests.compressed(Array(Self.text.prefix(block)), level: 5)))
        #expect(try both.suffix(1000) == NoiseTests.compressed(other).suffix(1000))
    }
}
