import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@Suite struct TarWriterTests {
    /// What Python's tarfile makes of an archive, one line per entry.
    static let listing = """
        import sys, tarfile, os
        for m in tarfile.open(sys.argv[1], 'r:'):
            print(os.fsencode(m.name).hex(), m.type.decode(), oct(m.mode), m.uid, m.gid, m.size, int(m.mtime),
                os.fsencode(m.linkname).hex(), m.devmajor, m.devminor, repr(m.uname + m.gname))
        """

    static func line(_ item: Item) -> String {
        let header = item.header
        let type =
            switch header.kind {
            case .file: "0"
            case .hardlink: "1"
            case .symlink: "2"
            case .charDevice: "3"
            case .blockDevice: "4"
            case .directory: "5"
            case .fifo: "6"
            }
        let fields: [Any] = [
            Hex.encode(header.path), type, "0o" + String(header.mode, radix: 8), header.uid, header.gid, header.size,
            header.mtime.seconds, Hex.encode(header.linkTarget), header.deviceMajor, header.deviceMinor, "''",
        ]
        return fields.map { "\($0)" }.joined(separator: " ")
    }

    static func path(_ count: Int, _ piece: String = "0123456789012345678/") -> String {
        String(String(repeating: piece, count: count / piece.utf8.count + 1).prefix(count - 1)) + "x"
    }

    static let items: [Item] = [
        .directory("a"),
        .file("a/plain", "content").with { $0.mode = 0o4755 },
        .file("a/empty"),
        .file("a/" + String(repeating: "f", count: 250), String(repeating: "z", count: 512)),
        .link(.hardlink, "a/hard", to: "a/plain"),
        .link(.symlink, "a/soft", to: "../else where"),
        .link(.symlink, "a/far", to: String(repeating: "t/", count: 90)),
        .file("a/ids", "1")
            .with {
                $0.uid = 2_097_151
                $0.gid = 2_097_152
            },
        .file("a/nobody", "2").with { $0.uid = 4_294_967_294 },
        .file("a/old", "3").with { $0.mtime = Timestamp(seconds: -86_400) },
        .file("a/late", "4").with { $0.mtime = Timestamp(seconds: 8_589_934_592, nanoseconds: 5) },
        .file("a/\u{e4}/" + path(150), "8"),
        .file("a/now", "5").with { $0.mtime = Timestamp(seconds: 1_700_000_000, nanoseconds: 999_999_999) },
        .file("a/umlaut-\u{e4}\u{1f600}", "6"),
        .file("a/\u{e4}/" + path(200), "7"),
        Item(TarHeader(path: Array("a/latin-".utf8) + [0xe4, 0xff], kind: .file), [8]),
        Item(TarHeader(path: Array("a/long-".utf8) + [UInt8](repeating: 0xe4, count: 200), kind: .file), [9]),
        Item(TarHeader(path: Array("a/null".utf8), kind: .charDevice))
            .with {
                $0.deviceMajor = 1
                $0.deviceMinor = 3
            },
        Item(TarHeader(path: Array("a/pipe".utf8), kind: .fifo)).with { $0.mode = 0o600 },
    ]
    static let paths: [Item] = [99, 100, 101, 155, 156, 157, 254, 255, 256, 257, 1000]
        .flatMap { count in
            [
                .file(path(count), "\(count)"),
                .directory(path(count, "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz/")),
            ]
        }

    @Test func pythonReadsEveryField() async throws {
        try await Scratch.with { scratch in
            let items = Self.items + Self.paths
            try scratch.write("t.tar", try Tar.bytes(items))
            let output = try await Program.output("python3", ["-c", Self.listing, scratch["t.tar"]])
            let lines = output.split(separator: "\n").map(String.init)
            #expect(lines.count == items.count)
            for (line, item) in zip(lines, items) { #expect(line == Self.line(item)) }
        }
    }

    /// GNU tar and bsdtar unpack the same tree that went in; devices need root and are left out.
    @Test(arguments: ["tar", "bsdtar"])
    func othersUnpackTheSameTree(_ program: String) async throws {
        try await Scratch.with { scratch in
            let items = (Self.items + Self.paths)
                .filter { item in
                    item.header.kind != .charDevice && (0..<2_000_000_000).contains(item.header.mtime.seconds)
                        && item.header.path.count < 900
                }
            try scratch.write("t.tar", try Tar.bytes(items))
            try scratch.write("out/stamp", "")
            // Owners and set-user-ID would need root.
            let result = try await Program.run(
                program,
                ["--no-same-owner", "-xpf", scratch["t.tar"], "-C", scratch["out"]],
                environment: ["LC_ALL": "C.UTF-8"]
            )
            #expect(result.status == 0, "\(result)")
            let script = """
                import os, sys
                root = os.fsencode(sys.argv[1])
                for line in sys.stdin:
                    name = bytes.fromhex(line.split()[0])
                    print(line.split()[0], int(os.lstat(root + b'/' + name).st_mtime),
                        os.readlink(root + b'/' + name).hex() if os.path.islink(root + b'/' + name) else
                        open(root + b'/' + name, 'rb').read().hex())
                """
            let files = items.filter { $0.header.kind == .file || $0.header.kind == .symlink }
            let output = try await Program.output(
                "python3",
                ["-c", script, scratch["out"]],
                input: files.map { Hex.encode($0.header.path) + "\n" }.joined()
            )
            let expected = files.map { item in
                let body = item.header.kind == .file ? item.content : item.header.linkTarget
                return "\(Hex.encode(item.header.path)) \(item.header.mtime.seconds) \(Hex.encode(body))"
            }
            let lines = output.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: false) }
            for (line, want) in zip(lines, expected) { #expect(line.joined(separator: " ") == want) }
            #expect(lines.count == expected.count)
        }
    }

    @Test func emptyLayerIs1024Zeros() throws {
        #expect(try Tar.bytes([]) == [UInt8](repeating: 0, count: 1024))
    }

    @Test func plainEntriesTakeNoPaxRecord() throws {
        let items: [Item] = [.directory("d"), .file(Self.path(100), "x"), .file(Self.path(230), "y")]
        // Three headers, two contents, two final blocks.
        #expect(try Tar.bytes(items).count == (3 + 2 + 2) * 512)
    }

    @Test func capabilityIsAPaxRecord() throws {
        let value: [UInt8] = [1, 0, 0, 2, 0, 0x0a, 0x3d, 0xff]
        let bytes = try Tar.bytes([.file("ping", "x").with { $0.xattrs = [("security.capability", value)] }])
        let record = Array("SCHILY.xattr.security.capability=".utf8) + value + [0x0a]
        #expect(bytes.indices.contains { bytes[$0...].starts(with: record) })
        let read = try Tar.items(BytesSource(bytes))
        #expect(read.first?.header.xattrs.map(\.name) == ["security.capability"])
        #expect(read.first?.header.xattrs.map(\.value) == [value])
    }

    @Test func hugeSizesGoToPax() throws {
        let sink = BytesSink()
        var writer = TarWriter(into: sink)
        try writer.append(TarHeader(path: [0x61], kind: .file).sized(8_589_934_591))
        #expect(sink.bytes.count == 512)
        let pax = BytesSink()
        var second = TarWriter(into: pax)
        try second.append(TarHeader(path: [0x61], kind: .file).sized(8_589_934_592))
        #expect(String(decoding: pax.bytes[512...], as: UTF8.self).hasPrefix("19 size=8589934592\n"))
    }

    @Test func contentMustHaveItsLength() throws {
        let header = TarHeader(path: [0x61], kind: .file).sized(4)
        var short = TarWriter(into: NullSink())
        try short.append(header)
        try short.write([1, 2, 3].span)
        #expect(throws: StreamError.self) { try short.finish() }
        var long = TarWriter(into: NullSink())
        try long.append(header)
        #expect(throws: StreamError.self) { try long.write([1, 2, 3, 4, 5].span) }
    }

    /// Diff IDs are for good: these bytes may not change from release to release.
    @Test func bytesArePinned() throws {
        let bytes = try Tar.bytes(Self.items + Self.paths)
        #expect(SHA256.digest(of: bytes).short == "e73156368de5")
    }
}

extension TarHeader {
    fileprivate func sized(_ size: Int64) -> TarHeader {
        var copy = self
        copy.size = size
        return copy
    }
}
