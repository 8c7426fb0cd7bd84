import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@Suite("Noise in a gzip layer") struct NoiseTests {
    static func compressed(_ content: [UInt8], level: Int? = nil, workers: Int = 2) throws -> [UInt8] {
        let sink = BytesSink()
        let settings = try CompressionSettings(format: .gzip, level: level)
        let compressor = LayerCompressor(settings: settings, workers: workers, into: sink)
        try compressor.write(content.span)
        let result = try compressor.finish()
        #expect(result.size == Int64(sink.bytes.count))
        #expect(result.diffID == SHA256.digest(of: content))
        return sink.bytes
    }

    private static func uncompressed(_ bytes: [UInt8]) throws -> [UInt8] {
        try Inflater(BytesSource(bytes)).readAll(limit: 1 << 30)
    }

    private static let text = Array(CompressionTests.content.prefix(100_000))

    @Test func isStoredAndTheRestCompressed() throws {
        var dice = Dice(seed: 1)
        let noise = dice.bytes(200_000)
        let bytes = try Self.compressed(Self.text + noise + Self.text)
        #expect(try Self.uncompressed(bytes) == Self.text + noise + Self.text)
        // Byte for byte, as stored blocks hold it: from the first whole chunk on.
        let stored = noise[50_000..<60_000]
        #expect(bytes.indices.contains { bytes[$0...].starts(with: stored) })
        #expect(bytes.count < noise.count + Self.text.count)
    }

    /// At the end of a block, at the end of all, over several blocks, next to each other.
    @Test func comesBackWhereverItLies() async throws {
        var dice = Dice(seed: 2)
        for _ in 0..<30 {
            var content: [UInt8] = []
            for _ in 0..<dice.number(1...5) {
                let count = dice.pick([1, 65_535, 65_536, 65_537, 200_000, 1_048_576, dice.number(1...1_400_000)])
                content += dice.once(in: 2) ? dice.bytes(count) : Array(CompressionTests.content.prefix(count))
            }
            let one = try Self.compressed(content, workers: 1)
            #expect(try Self.uncompressed(one) == content)
            #expect(try Self.compressed(content, workers: 3) == one)
        }
    }

    @Test func foreignToolsReadIt() async throws {
        var dice = Dice(seed: 3)
        let content = Self.text + dice.bytes(700_000) + Self.text
        let digest = SHA256.digest(of: content).hex
        try await Scratch.with { scratch in
            let path = try scratch.write("noise.gz", Self.compressed(content))
            #expect(try await Program.output("sh", ["-c", "gzip -dc \(path) | sha256sum"]).hasPrefix(digest))
            let python = "import gzip,hashlib,sys; print(hashlib.sha256(gzip.open(sys.argv[1]).read()).hexdigest())"
            #expect(try await Program.output("python3", ["-c", python, path]).hasPrefix(digest))
        }
    }

    /// A pattern has as many values as noise, but repeats itself.
    @Test func isNotTakenForARepeatedPattern() throws {
        var dice = Dice(seed: 4)
        let pattern = dice.bytes(1000)
        let content = Array(repeatElement(pattern, count: 500).joined())
        #expect(try Self.compressed(content).count < content.count / 20)
    }

    /// Every value as often as any other, in order.
    @Test func isNotTakenForACounter() throws {
        let content = (0..<500_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(try Self.compressed(content).count < content.count / 20)
    }

    /// Half of the bits of every byte would be saved.
    @Test func isNotTakenForHexadecimalDigits() throws {
        var dice = Dice(seed: 5)
        let digits = Array("0123456789abcdef".utf8)
        let content = dice.bytes(500_000).map { digits[Int($0 & 15)] }
        #expect(try Self.compressed(content).count < content.count * 6 / 10)
    }

    /// Who asks for a higher level wants every byte that it saves.
    @Test func isCompressedAtHigherLevels() throws {
        var dice = Dice(seed: 6)
        // A hundredth of a bit less than noise.
        let content = dice.bytes(400_000).map { $0 < 6 ? $0 / 2 : $0 }
        #expect(try Self.compressed(content).count >= content.count)
        #expect(try Self.compressed(content, level: 6).count < content.count)
    }

    @Test func nothingIsAMemberToo() throws {
        #expect(try Self.uncompressed(Self.compressed([])) == [])
    }
}
