import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@Suite struct TarReaderTests {
    @Test(arguments: [1, 511, 1 << 20])
    func readsWhatWasWritten(_ step: Int) throws {
        let written = TarWriterTests.items + TarWriterTests.paths
        let read = try Tar.items(TricklingSource(try Tar.bytes(written), step: step))
        #expect(read.count == written.count)
        for (read, written) in zip(read, written) {
            #expect(TarWriterTests.line(read) == TarWriterTests.line(written))
            #expect(read.content == written.content)
        }
    }

    /// Archives of the field's writers, made by Python and GNU tar.
    static let make = """
        import io, sys, tarfile
        name, format = sys.argv[1], sys.argv[2]
        with tarfile.open(name, 'w:', format=getattr(tarfile, format), encoding='utf-8', errors='surrogateescape') as t:
            def add(path, type=tarfile.REGTYPE, data=b'', **more):
                info = tarfile.TarInfo(path)
                info.type, info.size, info.mode = type, len(data), 0o640
                for key, value in more.items(): setattr(info, key, value)
                t.addfile(info, io.BytesIO(data))
            add('./dot/', tarfile.DIRTYPE)
            add('dot/./x', data=b'x', uid=70000, gid=5, uname='somebody', gname='group', mtime=1700000000)
            add('caf\\u00e9', data=b'y' * 1000)
            add('latin-\\udce4', data=b'z')
            if format != 'USTAR_FORMAT':
                add('n' * 300, data=b'long')
                add('link', tarfile.SYMTYPE, linkname='t' * 300)
                add('latin-\\udce4' + 'n' * 200, data=b'longlatin')
                add('big', uid=3000000)
            add('hard', tarfile.LNKTYPE, linkname='dot/./x')
            add('/abs', data=b'abs')
            if format == 'PAX_FORMAT':
                add('attr', pax_headers={'SCHILY.xattr.user.a': 'v', 'SCHILY.xattr.security.capability': 'c', 'mtime': '12.5'})
        """

    /// Names are bytes whatever the locale of the process is; tests run in the C locale, as daemons do.
    @Test(arguments: ["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"])
    func readsOtherWriters(_ format: String) async throws {
        try await Scratch.with { scratch in
            try await Program.output("python3", ["-c", Self.make, scratch["t.tar"], format])
            let items = try Tar.items(FileSource.open(scratch["t.tar"]))
            func item(_ path: [UInt8]) -> Item? { items.first { $0.header.path == path } }
            func item(_ path: String) -> Item? { item(Array(path.utf8)) }
            #expect(item("dot")?.header.kind == .directory)
            let x = try #require(item("dot/./x"))
            #expect(x.content == Array("x".utf8))
            #expect((x.header.uid, x.header.gid, x.header.mode) == (70_000, 5, 0o640))
            #expect(x.header.mtime == Timestamp(seconds: 1_700_000_000))
            #expect(item("caf\u{e9}")?.content.count == 1000)
            let latin = Array("latin-".utf8) + [0xe4]
            #expect(item(latin)?.content == Array("z".utf8))
            #expect(item("hard")?.header.linkTarget == Array("dot/./x".utf8))
            #expect(item("hard")?.header.kind == .hardlink)
            #expect(item("/abs")?.content == Array("abs".utf8))
            guard format != "USTAR_FORMAT" else { return }
            let long = String(repeating: "n", count: 300)
            #expect(item(long)?.content == Array("long".utf8))
            #expect(item("link")?.header.linkTarget.count == 300)
            #expect(item(latin + Array(repeating: 0x6e, count: 200))?.content == Array("longlatin".utf8))
            #expect(item("big")?.header.uid == 3_000_000)
            guard format == "PAX_FORMAT" else { return }
            let attributes = try #require(item("attr")?.header)
            #expect(Set(attributes.xattrs.map(\.name)) == ["user.a", "security.capability"])
            #expect(attributes.xattrs.map(\.value).sorted { $0[0] < $1[0] } == [[0x63], [0x76]])
            #expect(attributes.mtime == Timestamp(seconds: 12, nanoseconds: 500_000_000))
        }
    }

    @Test(arguments: ["gnu", "pax"])
    func sparseFilesHaveTheirHoles(_ format: String) async throws {
        try await Scratch.with { scratch in
            try await Program.output(
                "sh",
                [
                    "-c",
                    "truncate -s 3000000 f && printf mid | dd of=f bs=1 seek=1500000 conv=notrunc && tar --format=\(format) -Scf t.tar f",
                ],
                in: scratch.path
            )
            let items = try Tar.items(FileSource.open(scratch["t.tar"]))
            #expect(items.first?.header.size == 3_000_000)
            #expect(items.first?.content == (try scratch.bytes("f")))
        }
    }

    @Test func skipsContentThatIsNotWanted() throws {
        let items: [Item] = (0..<20).map { .file("f\($0)", String(repeating: "c", count: $0 * 300)) }
        let reader = try TarReader(BytesSource(try Tar.bytes(items)))
        var names: [[UInt8]] = []
        while let header = try reader.next() { names.append(header.path) }
        #expect(names == items.map(\.header.path))
    }

    /// Contents can be read in place, whatever headers come before them.
    @Test(arguments: ["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"])
    func tellsWhereContentsLie(_ format: String) async throws {
        try await Scratch.with { scratch in
            try await Program.output("python3", ["-c", Self.make, scratch["t.tar"], format])
            let file = try StoredFile.open(scratch["t.tar"])
            let reader = try TarReader(file.whole.source, format: .anyCompression)
            var found: [String: [UInt8]] = [:]
            while let header = try reader.next() {
                let part = FilePart(file: file, offset: try #require(reader.contentOffset), size: header.size)
                found[String(decoding: header.path, as: UTF8.self)] = try part.source.all()
            }
            let items = try Tar.items(FileSource.open(scratch["t.tar"]))
            #expect(found.count == items.count)
            for item in items { #expect(found[String(decoding: item.header.path, as: UTF8.self)] == item.content) }
        }
    }

    @Test(arguments: ["gzip", "xz", "zstd"]) func whatIsCompressedLiesNowhere(_ program: String) async throws {
        try await Scratch.with { scratch in
            try scratch.write("t.tar", try Tar.bytes([.file("f", "content")]))
            try await Program.output("sh", ["-c", "\(program) -c t.tar >packed"], in: scratch.path)
            let reader = try TarReader(FileSource.open(scratch["packed"]), format: .anyCompression)
            #expect(try reader.next()?.size == 7)
            #expect(reader.contentOffset == nil)
        }
    }

    /// Nor what has holes.
    @Test func sparseFilesLieNowhere() async throws {
        try await Scratch.with { scratch in
            try await Program.output("sh", ["-c", "truncate -s 3000000 f && tar -Scf t.tar f"], in: scratch.path)
            let reader = try TarReader(FileSource.open(scratch["t.tar"]), format: .anyCompression)
            #expect(try reader.next()?.size == 3_000_000)
            #expect(reader.contentOffset == nil)
        }
    }

    /// Large contents that nobody wants are not read.
    @Test func passesOverContents() throws {
        let large = String(repeating: "c", count: 8 << 20)
        let source = SeekingSource(try Tar.bytes([.file("a", large), .file("b", large), .file("c", "small")]))
        let reader = try TarReader(source, format: .anyCompression)
        var names: [String] = []
        while let header = try reader.next() { names.append(String(decoding: header.path, as: UTF8.self)) }
        #expect(names == ["a", "b", "c"])
        #expect(source.read < 1 << 20)
    }

    private static func archive(_ format: String, _ script: String, in scratch: Scratch) async throws -> FileSource {
        let program = """
            import tarfile
            with tarfile.open('t.tar', 'w:', format=tarfile.\(format)) as t:
            \(script)
            """
        try await Program.output("python3", ["-c", program], in: scratch.path)
        return try FileSource.open(scratch["t.tar"])
    }

    /// What is taken for 0 would be root's.
    @Test(arguments: ["uid", "gid"], ["-1", "-1000", "2**32"])
    func impossibleOwnersAreRefused(_ field: String, _ value: String) async throws {
        try await Scratch.with { scratch in
            for format in ["GNU_FORMAT", "PAX_FORMAT"] {
                let script = " i = tarfile.TarInfo('f'); i.\(field) = \(value); t.addfile(i)"
                let source = try await Self.archive(format, script, in: scratch)
                #expect(throws: StreamError.self, "\(format)") { try Tar.items(source) }
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func longDotPathsAreReadInOnePass() async throws {
        try await Scratch.with { scratch in
            let script = " for i in range(5): t.addfile(tarfile.TarInfo('./' * 500000 + str(i)))"
            let source = try await Self.archive("GNU_FORMAT", script, in: scratch)
            #expect(try Tar.items(source).map(\.header.path) == (0..<5).map { Array("\($0)".utf8) })
        }
    }

    @Test func cutArchivesAreErrors() throws {
        let bytes = try Tar.bytes([.file("f", String(repeating: "c", count: 2000))])
        #expect(throws: StreamError.self) { try Tar.items(BytesSource(Array(bytes[..<1000]))) }
        #expect(throws: StreamError.self) { try Tar.items(BytesSource(Array("no archive at all, just text".utf8))) }
    }
}
