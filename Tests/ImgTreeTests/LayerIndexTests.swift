import ImgOCI
import ImgStream
import Testing

@testable import ImgTree

@Suite struct LayerIndexTests {
    @Test func theLastHeaderOfAPathCounts() async throws {
        let tree = tree(try layer("f 600 a", "d b", "f b/x", "f 755 a"))
        #expect(try await tree.lookup(bytes("a"))?.mode == 0o755)
        #expect(try await tree.lookup(bytes("a"))?.origin?.ordinal == 3)
        #expect(paths(try await tree.walk()) == ["a", "b", "b/x"])
    }

    @Test func nothingIsBelowAFile() async throws {
        let tree = tree(try layer("d a", "f a/x", "f a"))
        #expect(paths(try await tree.walk()) == ["a"])
    }

    @Test func entriesWrittenThroughALinkOfTheLayerLandAtItsTarget() async throws {
        let tree = tree(try layer("d usr", "d usr/lib", "l lib -> usr/lib", "f lib/libc.so", "l a -> /lib", "f a/b"))
        #expect(paths(try await tree.walk()) == ["a", "lib", "usr", "usr/lib", "usr/lib/b", "usr/lib/libc.so"])
    }

    @Test func hardLinksShareMetadataAndContent() async throws {
        let tree = tree(try layer("f 4755 a", "h b -> a", "h c -> b", "h z -> nowhere"))
        let first = try #require(try await tree.lookup(bytes("a")))
        let third = try #require(try await tree.lookup(bytes("c")))
        #expect(third.kind == .file && third.mode == 0o4755 && third.origin == first.origin)
        #expect(first.isShared && third.isShared)
        #expect(try await tree.lookup(bytes("z")) == nil)
    }

    @Test func hardLinksReachIntoLowerLayers() async throws {
        let tree = tree(try layer("f 711 a"), try layer("h b -> a"))
        let link = try #require(try await tree.lookup(bytes("b")))
        #expect(link.kind == .file && link.mode == 0o711 && link.origin == Entry.Origin(layer: 0, ordinal: 0))
        #expect(try await tree.walk().map(\.kind) == [.file, .file])
    }

    /// Layers that are small when compressed and would be large as an index.
    @Test func thereIsALimitToWhatIsKept() throws {
        func index(limit: Int, _ headers: [String], content: Int = 0) throws -> LayerIndex {
            var builder = LayerIndex.Builder(limit: limit)
            for (position, text) in headers.enumerated() {
                let content = position == 0 && content > 0 ? [UInt8](repeating: 0x61, count: content) : nil
                try builder.append(header(text), content: content)
            }
            return try builder.finish()
        }
        let long = String(repeating: "l", count: 3000)
        let cases: [(headers: [String], content: Int)] = [
            ((0..<300).map { "f f\($0)" }, 0), ((0..<300).map { "f .wh.f\($0)" }, 0),
            (["f \(long)1", "f \(long)2", "f \(long)3", "f \(long)4"], 0),
            ((0..<5).map { "l l\($0) -> \(long)" }, 0),
            (["f etc/passwd"] + (0..<5).map { "h h\($0) -> etc/passwd" }, 3000),
            (["l a -> \(long)"] + (0..<5).map { "f a/f\($0)" }, 0),
        ]
        for (headers, content) in cases {
            #expect(try index(limit: 100_000, headers, content: content).headerCount == headers.count)
            #expect(throws: TreeError.self) { try index(limit: 10_000, headers, content: content) }
        }
    }

    private func sample() throws -> LayerIndex {
        var builder = LayerIndex.Builder()
        var capable = header("f 755 usr/bin/ping")
        capable.xattrs = [(name: "security.capability", value: [1, 2, 3]), (name: "user.x", value: [9])]
        capable.size = 5_000_000_000
        capable.mtime = Timestamp(seconds: -5, nanoseconds: 7)
        try builder.append(capable, note: [4, 5])
        try builder.append(header("f etc/passwd"), content: bytes("root:x:0:0\n"))
        var device = header("f dev/null")
        device.kind = .charDevice
        device.deviceMajor = 1
        device.deviceMinor = 3
        device.uid = 70_000
        try builder.append(device)
        for text in ["l bin -> usr/bin", "h etc/p2 -> etc/passwd", "f a/.wh.gone", "f b/.wh..wh..opq", "h x -> far"] {
            try builder.append(header(text))
        }
        return try builder.finish()
    }

    @Test func roundTrip() async throws {
        let index = try sample()
        let again = try LayerIndex(decoding: index.encoded())
        #expect(again.encoded() == index.encoded())
        #expect(again.content(of: bytes("etc/passwd")) == bytes("root:x:0:0\n"))
        #expect(again.content(of: bytes("etc/p2")) == bytes("root:x:0:0\n"))
        #expect(again.headerCount == 8)
        let before = try await tree(index).walk()
        #expect(try await tree(again).walk() == before)
        let ping = try #require(before.first { $0.path == bytes("usr/bin/ping") })
        #expect(ping.capability == [1, 2, 3] && ping.note == [4, 5] && ping.size == 5_000_000_000)
        #expect(ping.mtime == Timestamp(seconds: -5, nanoseconds: 7))
    }

    @Test func damageIsAnErrorAndNeverATrap() async throws {
        let encoded = try sample().encoded()
        for length in 0..<encoded.count {
            #expect(throws: TreeError.self) { try LayerIndex(decoding: Array(encoded[..<length])) }
        }
        for position in encoded.indices {
            for flip: UInt8 in [1, 0x80, 0xff] {
                var damaged = encoded
                damaged[position] ^= flip
                #expect(throws: TreeError.self) { try LayerIndex(decoding: damaged) }
                // With a checksum that fits, the decoder itself has to hold, and what reads the index after it.
                guard let index = try? LayerIndex(decoding: resealed(damaged)) else { continue }
                _ = try? await tree(index).walk()
                #expect(try LayerIndex(decoding: index.encoded()).encoded() == index.encoded())
            }
        }
    }

    private func resealed(_ bytes: [UInt8]) -> [UInt8] {
        let body = bytes.dropLast(8)
        let sum = Checksum.of(body[...])
        return body + (0..<8).map { UInt8(truncatingIfNeeded: sum >> (8 * UInt64($0))) }
    }

    @Test func endlessPathsAreRefused() throws {
        let deep = TarHeader(path: bytes(String(repeating: "a/", count: 3000) + "a"), kind: .file)
        #expect(throws: TreeError.self) { try layer([deep]) }
    }

    @Test func aHundredThousandEntriesStaySmall() throws {
        var builder = LayerIndex.Builder()
        for number in 0..<100_000 {
            var header = TarHeader(path: bytes("usr/share/doc/package-\(number / 50)/file-\(number)"), kind: .file)
            header.size = Int64(number)
            try builder.append(header)
        }
        let index = try builder.finish()
        #expect(MemoryLayout<LayerIndex.Record>.stride <= 72)
        #expect(index.encoded().count < 3_500_000)
    }
}
