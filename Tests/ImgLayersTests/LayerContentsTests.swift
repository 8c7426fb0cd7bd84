import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@testable import ImgLayers

/// Files that are taken out of base layers.
@Suite struct LayerContentsTests {
    private static let layer = ArchiveFixture.tar(["f 644 0:0 a first", "f 644 0:0 b second", "f 644 0:0 c third"])
    private static let descriptor = Descriptor(
        mediaType: .ociLayerTar,
        digest: SHA256.digest(of: layer),
        size: Int64(layer.count)
    )

    private static func extract(_ ordinals: Set<Int>, from bytes: [UInt8]) async throws -> [Int: String] {
        try await Scratch.with { scratch in
            let spool = try SpoolFile.create(in: scratch.path)
            let pieces = try LayerContents.extract(
                ordinals,
                from: BytesSource(bytes),
                expecting: descriptor,
                into: spool
            )
            return try pieces.mapValues {
                String(decoding: try spool.bytes(at: $0.offset, count: Int($0.size)), as: UTF8.self)
            }
        }
    }

    @Test func contentsByHeader() async throws {
        #expect(try await Self.extract([0, 1], from: Self.layer) == [0: "first", 1: "second"])
        await #expect(throws: StreamError.self) { try await Self.extract([3], from: Self.layer) }
    }

    /// A later file may lie in memory where an earlier one lay.
    @Test func filesOfOneRunAreToldApart() async throws {
        try await Scratch.with { scratch in
            let settings = try CompressionSettings(format: .gzip, level: nil)
            var identities: Set<String> = []
            for _ in 0..<100 {
                let spool = try SpoolFile.create(in: scratch.path)
                let header = TarHeader(path: [0x61], kind: .file)
                let entry = LayerEntry(header: header, content: .spool(file: spool, offset: 0, size: 0))
                identities.insert(LayerKey(LayerSpec(entries: [entry]), settings: settings, now: .epoch).identity)
            }
            #expect(identities.count == 100)
        }
    }

    @Test func copyingOfAMemberEndsWithItsTask() async throws {
        try await Scratch.with { scratch in
            let spool = try SpoolFile.create(in: scratch.path)
            let copying = Task {
                let reader = try TarReader(BytesSource(Self.layer))
                _ = try reader.next()
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                #expect(throws: StreamError.self) { try reader.next() }
                return try spool.append(contentOf: reader)
            }
            let error = await #expect(throws: StreamError.self) { try await copying.value }
            #expect(error?.code == .cancelled)
        }
    }

    /// The path index is kept, so this may be the only time that the blob's bytes are seen.
    @Test(arguments: [512, 3 * 512, 5 * 512 + 2, layer.count - 1])
    func nothingIsTakenFromAnotherBlob(_ place: Int) async throws {
        var other = Self.layer
        other[place] ^= 1
        await #expect(throws: StreamError.self) { try await Self.extract([0], from: other) }
        await #expect(throws: StreamError.self) { try await Self.extract([0], from: Self.layer.dropLast(512) + []) }
        await #expect(throws: StreamError.self) { try await Self.extract([0], from: Self.layer + [0]) }
    }
}
