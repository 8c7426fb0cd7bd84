import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@Suite struct CompressionTests {
    /// Compressible and longer than two blocks, so that several threads take part.
    static let content: [UInt8] = {
        var bytes: [UInt8] = []
        var state: UInt64 = 42
        while bytes.count < 3_000_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            bytes += Array("line \(state >> 40) of a file\n".utf8)
        }
        return bytes
    }()

    static func layer(
        _ settings: CompressionSettings,
        workers: Int
    ) throws -> (bytes: [UInt8], result: LayerWriter.Result) {
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
        let inflater = try Inflater(BytesSource(bytes), hashes: true)
        let reader = try TarReader(inflater)
        let header = try #require(try reader.next())
        #expect(header.size == Int64(Self.content.count))
        #expect(try reader.next() == nil)
        try inflater.drain()
        #expect(inflater.diffID() == result.diffID)
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
    @Test func foreignReaders() async throws {
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

@Suite struct InflaterTests {
    static func inflated(_ bytes: [UInt8], limit: Int64 = Inflater.defaultLimit) throws -> [UInt8] {
        let inflater = try Inflater(BytesSource(bytes), limit: limit)
        var out: [UInt8] = []
        while true {
            let chunk = try inflater.readChunk(1000)
            if chunk.isEmpty { return out }
            out += chunk
        }
    }

    static func gzip(_ text: String) async throws -> [UInt8] {
        try await Scratch.with { scratch in
            let path = try scratch.write("t", text)
            return Base64.decode(try await Program.output("sh", ["-c", "gzip -nc \(path) | base64 -w0"])) ?? []
        }
    }

    /// PULL-18.
    @Test func membersAndPadding() async throws {
        let one = try await Self.gzip("one ")
        let two = try await Self.gzip("two")
        #expect(try Self.inflated(one + two) == Array("one two".utf8))
        #expect(try Self.inflated(one + [UInt8](repeating: 0, count: 700)) == Array("one ".utf8))
        #expect(throws: StreamError.self) { try Self.inflated(one + Array("garbage".utf8)) }
        #expect(throws: StreamError.self) { try Self.inflated(Array(one.dropLast(6))) }
        #expect(throws: StreamError.self) { try Self.inflated(one, limit: 3) }
    }

    @Test func damageIsFound() async throws {
        var bytes = try await Self.gzip(String(repeating: "abcdefgh", count: 1000))
        bytes[bytes.count / 2] ^= 0x55
        #expect(throws: StreamError.self) { try Self.inflated(bytes) }
    }

    @Test func verifyingSourceComparesSizeAndDigest() throws {
        let bytes = Array("content".utf8)
        let digest = SHA256.digest(of: bytes)
        let good = VerifyingSource(BytesSource(bytes), expecting: .init(digest: digest, size: 7))
        try good.finish()
        for (content, size) in [(Array("contenT".utf8), 7), (bytes, 8), (bytes, 6)] as [([UInt8], Int64)] {
            let bad = VerifyingSource(BytesSource(content), expecting: .init(digest: digest, size: size))
            #expect(throws: StreamError.self) { try bad.finish() }
        }
    }

    /// RFC 4231, test case 2.
    @Test func hmac() {
        let mac = SHA256.hmac(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(Hex.encode(mac) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }
}
