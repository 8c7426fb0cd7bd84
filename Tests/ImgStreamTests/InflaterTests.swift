import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@Suite struct InflaterTests {
    /// Compresses with a program.
    static func compressed(_ program: String, _ bytes: [UInt8], _ options: [String] = []) async throws -> [UInt8] {
        try await Scratch.with { scratch in
            try scratch.write("in", bytes)
            try await Program.output(
                "sh",
                ["-c", "\(([program] + options).joined(separator: " ")) -c < in > out"],
                in: scratch.path
            )
            return try scratch.bytes("out")
        }
    }

    static func inflated(
        _ bytes: [UInt8],
        limit: Int64 = 1 << 40,
        input: Int = 1 << 20,
        output: Int = 65_536
    ) throws -> [UInt8] {
        try Inflater(TricklingSource(bytes, step: input), limit: limit).all(step: output)
    }

    @Test(arguments: ["gzip", "zstd", "cat"], [(1, 1), (7, 300_000), (1 << 20, 1), (512, 512), (65_536, 40_000)])
    func inAnyPieces(_ program: String, _ pieces: (input: Int, output: Int)) async throws {
        let content = noise(60_000)
        let bytes =
            program == "cat" ? content : try await Self.compressed(program, content, program == "zstd" ? ["-19"] : [])
        #expect(try Self.inflated(bytes, input: pieces.input, output: pieces.output) == content)
    }

    @Test func membersZerosAndSkippableFrames() async throws {
        let (one, two) = (noise(9000), noise(70_000, seed: 3))
        let gzip = try await Self.compressed("gzip", one) + Self.compressed("gzip", two)
        #expect(try Self.inflated(gzip) == one + two)
        let padded = gzip + [UInt8](repeating: 0, count: 700_000)
        #expect(try Self.inflated(padded) == one + two)
        let empty = try await Self.compressed("gzip", []) + gzip
        #expect(try Self.inflated(empty) == one + two)
        let skippable: [UInt8] = [0x53, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]
        let zstd = try await Self.compressed("zstd", one) + skippable + Self.compressed("zstd", two) + skippable
        #expect(try Self.inflated(skippable + zstd) == one + two)
        #expect(try Self.inflated([]) == [])
    }

    @Test(arguments: ["gzip", "zstd"])
    func refusesDamage(_ program: String) async throws {
        let bytes = try await Self.compressed(program, noise(50_000))
        for end in [5, bytes.count / 2, bytes.count - 1] {
            #expect(throws: StreamError.self, "cut at \(end)") { try Self.inflated(Array(bytes[..<end])) }
        }
        #expect(throws: StreamError.self) { try Self.inflated(bytes + Array("rest".utf8)) }
        #expect(throws: StreamError.self) { try Self.inflated(bytes + [0, 0, 1]) }
        var flipped = bytes
        flipped[bytes.count - 3] ^= 1
        #expect(throws: StreamError.self) { try Self.inflated(flipped) }
    }

    @Test func windowAboveTheLimitIsRefused() async throws {
        let bytes = try await Self.compressed("zstd", noise(1000), ["--long=30", "--no-check"])
        // Small contents have a small window; a frame header that asks for 2^31 bytes stands for a hostile stream.
        var header: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3]
        header += bytes.dropFirst(6)
        #expect(throws: StreamError.self) { try Self.inflated(header) }
    }

    @Test func stopsAtTheLimit() async throws {
        let bytes = try await Self.compressed("gzip", [UInt8](repeating: 0, count: 3_000_000))
        #expect(try Self.inflated(bytes, limit: 3_000_000).count == 3_000_000)
        let error = #expect(throws: StreamError.self) { try Self.inflated(bytes, limit: 2_999_999) }
        #expect(error?.code == .tooLarge)
    }

    @Test(arguments: ["sha256", "sha512"])
    func whatComesOutIsChecked(_ algorithm: String) async throws {
        let content = noise(200_000)
        let compressed = try await Self.compressed("gzip", content)
        for (bytes, isRight) in [(content, true), (content + [0], false)] {
            let diffID = try await Scratch.with { scratch in
                try scratch.write("content", bytes)
                let sum = try await Program.output("\(algorithm)sum", [scratch["content"]])
                return try Digest(parsing: "\(algorithm):\(sum.prefix { $0 != " " })")
            }
            let inflater = try Inflater(BytesSource(compressed), expecting: diffID)
            if isRight {
                try inflater.finish()
            } else {
                #expect(throws: StreamError.self) { try inflater.finish() }
            }
            #expect(inflater.count == 200_000)
        }
    }

    @Test func announcedSizeAndDigestAreChecked() throws {
        let content = noise(1000)
        let digest = SHA256.digest(of: content)
        try VerifyingSource(BytesSource(content), expecting: .init(digest: digest, size: 1000)).finish()
        for (bytes, size) in [(content, 999), (content, 1001), (content.reversed(), 1000)] as [([UInt8], Int64)] {
            #expect(throws: StreamError.self) {
                try VerifyingSource(BytesSource(bytes), expecting: .init(digest: digest, size: size)).finish()
            }
        }
    }
}
