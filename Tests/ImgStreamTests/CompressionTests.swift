import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@Suite struct CompressionTests {
    /// Compressible and longer than five blocks, so that several threads take part.
    static let content: [UInt8] = {
        var bytes: [UInt8] = []
        var state: UInt64 = 42
        while bytes.count < 6_000_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            bytes += Array("line \(state >> 40) of a file\n".utf8)
        }
        return bytes
    }()

    static func layer(
        _ settings: CompressionSettings,
        workers: Int
    ) throws -> (bytes: [UInt8], result: LayerCompressor.Result) {
        let sink = BytesSink()
        let writer = LayerWriter(settings: settings, workers: workers, into: sink)
        var header = TarHeader(path: Array("f".utf8), kind: .file)
        header.size = Int64(content.count)
        try writer.append(header)
        for start in stride(from: 0, to: content.count, by: 100_000) {
            try writer.write(Array(content[start..<min(start + 100_000, content.count)]).span)
        }
        let result = try writer.finish()
        return (sink.bytes, result)
    }

    @Test(arguments: LayerCompression.allCases)
    func roundTrip(_ format: LayerCompression) throws {
        let (bytes, result) = try Self.layer(CompressionSettings(format: format), workers: 2)
        #expect(result.size == Int64(bytes.count))
        #expect(result.digest == SHA256.digest(of: bytes))
        let inflater = try Inflater(BytesSource(bytes), expecting: result.diffID)
        let reader = try TarReader(inflater)
        let header = try #require(try reader.next())
        #expect(header.size == Int64(Self.content.count))
        #expect(try Tar.read(reader) == Self.content)
        #expect(try reader.next() == nil)
        try inflater.finish()
    }

    /// Same bytes on one core and on many.
    @Test(arguments: [LayerCompression.gzip, .zstd])
    func threadsDoNotShow(_ format: LayerCompression) throws {
        let settings = try CompressionSettings(format: format)
        let one = try Self.layer(settings, workers: 1)
        let many = try Self.layer(settings, workers: 7)
        #expect(one.result == many.result)
        #expect(one.bytes == many.bytes)
    }

    /// Every reader of the field takes several gzip members for one stream.
    @Test func foreignToolsReadSeveralMembersAsOne() async throws {
        let (bytes, result) = try Self.layer(.standard, workers: 2)
        try await Scratch.with { scratch in
            let path = try scratch.write("layer.tar.gz", bytes)
            let gzip = try await Program.output("sh", ["-c", "gzip -dc \(path) | sha256sum"])
            #expect(gzip.hasPrefix(result.diffID.hex))
            let python = "import gzip,hashlib,sys; print(hashlib.sha256(gzip.open(sys.argv[1]).read()).hexdigest())"
            #expect(try await Program.output("python3", ["-c", python, path]).hasPrefix(result.diffID.hex))
            #expect(try await Program.output("tar", ["-tzf", path]) == "f\n")
            #expect(try await Program.output("bsdtar", ["-tzf", path]) == "f\n")
        }
    }

    @Test(arguments: [(LayerCompression.gzip, 0), (.gzip, 13), (.zstd, 23)])
    func levelsHaveARange(_ format: LayerCompression, _ level: Int) {
        #expect(throws: StreamError.self) { try CompressionSettings(format: format, level: level) }
    }
}
