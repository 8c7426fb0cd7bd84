import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@Suite struct TarTests {
    /// Headers of every kind, with everything that ustar has no room for.
    static let headers: [TarHeader] = {
        var headers: [TarHeader] = []
        func add(_ path: String, _ kind: TarHeader.Kind, _ change: (inout TarHeader) -> Void = { _ in }) {
            var header = TarHeader(path: Array(path.utf8), kind: kind)
            header.mode = kind == .directory ? 0o755 : 0o644
            header.mtime = Timestamp(seconds: 1_600_000_000)
            change(&header)
            headers.append(header)
        }
        add("dir", .directory) { $0.mode = 0o1777 }
        add("dir/file", .file) { $0.size = 5 }
        add("dir/set-id", .file) { header in
            header.mode = 0o6755
            header.uid = 1000
            header.gid = 2_000_000_000
        }
        add("dir/hard", .hardlink) { $0.linkTarget = Array("dir/file".utf8) }
        add("dir/soft", .symlink) { $0.linkTarget = Array("/absolute/nowhere".utf8) }
        add(String(repeating: "d", count: 90) + "/" + String(repeating: "f", count: 90), .file)
        add(String(repeating: "n", count: 200), .file)
        add("long-link", .symlink) { $0.linkTarget = Array(String(repeating: "t", count: 300).utf8) }
        add("grüße-日本", .file)
        add("old", .file) { $0.mtime = Timestamp(seconds: -86_400) }
        add("pipe", .fifo)
        add("device", .charDevice) { header in
            header.deviceMajor = 1
            header.deviceMinor = 3
        }
        add("capable", .file) { $0.xattrs = [(name: "security.capability", value: [1, 0, 0, 2, 0, 0x20, 0, 0])] }
        return headers
    }()

    static func archive() throws -> [UInt8] {
        let sink = BytesSink()
        var writer = TarWriter(into: sink)
        for header in headers {
            try writer.append(header)
            if header.size > 0 { try writer.write(Array("hello".utf8).span) }
        }
        try writer.finish()
        return sink.bytes
    }

    @Test func readsBackWhatItWrote() throws {
        let reader = try TarReader(BytesSource(try Self.archive()))
        for expected in Self.headers {
            let header = try #require(try reader.next())
            #expect(header.path == expected.path)
            #expect(header.kind == expected.kind)
            #expect(header.mode == expected.mode)
            #expect((header.uid, header.gid) == (expected.uid, expected.gid))
            #expect(header.size == expected.size)
            #expect(header.mtime == expected.mtime)
            #expect(header.linkTarget == expected.linkTarget)
            #expect((header.deviceMajor, header.deviceMinor) == (expected.deviceMajor, expected.deviceMinor))
            #expect(header.xattrs.map(\.value) == expected.xattrs.map(\.value))
        }
        #expect(try reader.next() == nil)
    }

    /// Other people's readers agree on names, kinds and sizes.
    @Test func foreignReaders() async throws {
        try await Scratch.with { scratch in
            let path = try scratch.write("a.tar", try Self.archive())
            let names = Self.headers.map {
                String(decoding: $0.path, as: UTF8.self) + ($0.kind == .directory ? "/" : "")
            }
            let gnu = try await Program.output(
                "tar",
                ["--quoting-style=literal", "-tf", path],
                environment: ["LC_ALL": "C.UTF-8"]
            )
            #expect(gnu.split(separator: "\n").map(String.init) == names)
            let bsd = try await Program.output("bsdtar", ["-tf", path], environment: ["LC_ALL": "C.UTF-8"])
            #expect(bsd.split(separator: "\n").map(String.init) == names)
            let script = """
                import tarfile, sys
                for m in tarfile.open(sys.argv[1]):
                    print(m.name, oct(m.mode), m.uid, m.gid, m.size, int(m.mtime), m.linkname, m.uname, m.gname, sep='|')
                """
            let python = try await Program.output("python3", ["-c", script, path])
            #expect(python.contains("dir/set-id|0o6755|1000|2000000000|0|1600000000|||"))
            #expect(python.contains("old|0o644|0|0|0|-86400|||"))
        }
    }

    /// LAY-1: an empty layer is two blocks of zeros.
    @Test func emptyArchive() throws {
        let sink = BytesSink()
        var writer = TarWriter(into: sink)
        try writer.finish()
        #expect(sink.bytes == [UInt8](repeating: 0, count: 1024))
        #expect(SHA256.digest(of: sink.bytes).hex == "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")
    }

    /// The bytes of archives are for good: diff IDs of everything ever built depend on them.
    @Test func goldenDigest() throws {
        let hex = try SHA256.digest(of: Self.archive()).hex
        #expect(hex == "be26e1a932cd663d6b63e01860fdaa3377dd000296701b58bb523ad836be68be")
    }

    @Test func contentMustHaveTheAnnouncedSize() throws {
        var header = TarHeader(path: Array("f".utf8), kind: .file)
        header.size = 4
        var short = TarWriter(into: BytesSink())
        try short.append(header)
        try short.write([1, 2].span)
        #expect(throws: StreamError.self) { try short.finish() }
        var long = TarWriter(into: BytesSink())
        try long.append(header)
        #expect(throws: StreamError.self) { try long.write([1, 2, 3, 4, 5].span) }
    }

    @Test(
        arguments: [[], [UInt8](repeating: 0, count: 1024), Array("plain text that is no tar at all".utf8)] as [[UInt8]]
    )
    func noArchive(_ bytes: [UInt8]) {
        #expect((try? TarReader(BytesSource(bytes), format: .anyCompression).next()) == nil)
    }
}
