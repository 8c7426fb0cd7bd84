import ImgOCI
import ImgStream
import ImgTestKit
import Testing

/// Layers and archives come from strangers: whatever they hold, reading ends, in an error or not.
@Suite struct HostileInputTests {
    struct Mutator {
        var state: UInt64

        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(1, bound)
        }

        mutating func mutate(_ seed: [UInt8]) -> [UInt8] {
            var bytes = seed
            for _ in 0...next(6) {
                guard !bytes.isEmpty else { return bytes }
                let place = next(bytes.count)
                switch next(5) {
                case 0: bytes[place] ^= 1 << UInt8(next(8))
                case 1: bytes[place] = [0, 0x7f, 0x80, 0xff, 0x37][next(5)]
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + next(700)))
                case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 512)], at: next(bytes.count))
                default: bytes.removeLast(next(min(bytes.count, 2000)))
                }
            }
            return bytes
        }

        /// Damage that the header's checksum does not give away.
        mutating func resealed(_ seed: [UInt8]) -> [UInt8] {
            var bytes = seed
            let start = next(bytes.count / 512) * 512
            for _ in 0...next(4) { bytes[start + next(345)] = UInt8(ascii: "0") + UInt8(next(10)) }
            for place in 148..<156 { bytes[start + place] = UInt8(ascii: " ") }
            let sum = String(bytes[start..<(start + 512)].reduce(0) { $0 + Int($1) }, radix: 8)
            let digits = String(repeating: "0", count: 6 - sum.utf8.count) + sum + "\u{0}"
            bytes.replaceSubrange((start + 148)..<(start + 155), with: Array(digits.utf8))
            return bytes
        }
    }

    static func layer(_ format: LayerCompression) throws -> [UInt8] {
        let sink = BytesSink()
        let writer = LayerWriter(settings: try CompressionSettings(format: format), workers: 1, into: sink)
        for item in TarWriterTests.items {
            try writer.append(item.header)
            if item.header.kind == .file { try writer.write(item.content.span) }
        }
        _ = try writer.finish()
        return sink.bytes
    }

    /// Paths of the entries, read to the end of the archive; nil when that is an error.
    ///
    /// A file's content is read only so far, as holes may be endless.
    static func paths(_ source: any ByteSource, _ format: TarReader.Format) -> [[UInt8]]? {
        try? {
            let reader = try TarReader(
                format == .plain ? Inflater(source, limit: 64 << 20) : source,
                format: format
            )
            var paths: [[UInt8]] = []
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            while let header = try reader.next() {
                paths.append(header.path)
                for _ in 0..<20 {
                    guard try unsafe chunk.withUnsafeMutableBytes({ unsafe try reader.read(into: $0) }) > 0 else {
                        break
                    }
                }
            }
            return paths
        }()
    }

    /// However the bytes arrive, they are the same archive, or none.
    static func expectOneAnswer(_ bytes: [UInt8], _ format: TarReader.Format) {
        let whole = paths(BytesSource(bytes), format)
        #expect(paths(TricklingSource(bytes, step: 700), format) == whole)
    }

    @Test(arguments: LayerCompression.allCases, [1, 2, 3])
    func readingEndsAlikeInAnyPieces(_ format: LayerCompression, _ seed: UInt64) throws {
        let original = try Self.layer(format)
        var mutator = Mutator(state: seed)
        for _ in 0..<300 { Self.expectOneAnswer(mutator.mutate(original), seed == 2 ? .anyCompression : .plain) }
        guard format == .uncompressed else { return }
        for _ in 0..<600 { Self.expectOneAnswer(mutator.resealed(original), .plain) }
    }
}
