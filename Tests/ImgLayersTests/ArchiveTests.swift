import ImgOCI
import ImgReport
import ImgStream
import Testing

@testable import ImgLayers

@Suite struct ArchiveTests {
    private static let sample = ArchiveFixture.tar([
        "d 750 1:2 top", "f 640 1000:1002 top/file hello", "l 777 0:0 top/link -> file",
        "h 600 3:4 top/hard -> top/file",
        "f 644 0:0 deep/er/x y",
    ])

    private func lines(_ tar: [UInt8], base: [[String]] = [], _ instruction: String) async throws -> [String] {
        let scenario = Scenario(context: ["f plain.txt p"], files: ["p.tar": tar], base: base)
        return try await scenario.spec([instruction]).entries.map(\.line)
    }

    @Test func unpacksIntoADirectory() async throws {
        // ARC-4, ARC-6, ARC-7: no slash needed; the hard link's header counts for the file; parents are root's.
        #expect(
            try await lines(Self.sample, "ADD p.tar /t") == [
                "d 755 0:0 t/", "d 755 0:0 t/deep/", "d 755 0:0 t/deep/er/", "f 644 0:0 t/deep/er/x = y",
                "d 750 1:2 t/top/",
                "f 600 3:4 t/top/file = hello", "h t/top/hard -> t/top/file", "l 0:0 t/top/link -> file",
            ]
        )
    }

    @Test func aHardLinkBringsItsTime() async throws {
        let tar = ArchiveFixture.tar(["h 600 1:1 new -> old", "h 777 1:1 twin -> link"])
        let base = [["d t", "f t/old o", "l t/link -> old"]]
        let entries = try await Scenario(files: ["p.tar": tar], base: base).spec(["ADD p.tar /t"]).entries
        let times = entries.map { "\(String(decoding: $0.header.path, as: UTF8.self)) \($0.seconds)" }
        #expect(times.contains("t/new 1500000000"))
        // A link to a symbolic link leaves its time alone.
        #expect(times.contains("t/twin 500000000"))
    }

    @Test func chownCountsAndChmodDoesNot() async throws {
        // Row 60: undeclared parents stay root's.
        #expect(
            try await lines(Self.sample, "ADD --chown=3:4 --chmod=600 p.tar /t") == [
                "d 755 3:4 t/", "d 755 0:0 t/deep/", "d 755 0:0 t/deep/er/", "f 644 3:4 t/deep/er/x = y",
                "d 750 3:4 t/top/",
                "f 600 3:4 t/top/file = hello", "h t/top/hard -> t/top/file", "l 3:4 t/top/link -> file",
            ]
        )
    }

    @Test(arguments: ["COPY p.tar /t/", "ADD --unpack=false p.tar /t/"])
    func othersCopyTheFile(_ instruction: String) async throws {
        let lines = try await lines(Self.sample, instruction)
        #expect(lines.count == 2 && lines[1].hasPrefix("f 644 0:0 t/p.tar"))
    }

    @Test(arguments: [
        [UInt8](repeating: 0, count: 1024), [], Array("this is no archive\n".utf8),
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0],
    ])
    func filesThatAreNoArchives(_ bytes: [UInt8]) async throws {
        let lines = try await lines(bytes, "ADD p.tar /t/")
        #expect(lines.first == "d 755 0:0 t/" && lines.count == 2 && lines[1].hasPrefix("f 644 0:0 t/p.tar"))
    }

    @Test func aTruncatedArchiveIsAnError() async throws {
        let tar = Array(ArchiveFixture.tar(["f 644 0:0 a x", "f 644 0:0 b y"]).prefix(1100))
        let error = await #expect(throws: BuildError.self) { try await lines(tar, "ADD p.tar /t") }
        #expect(error?.diagnostics.first?.message.hasPrefix("failed to unpack p.tar: ") == true)
    }

    @Test(arguments: [
        // ARC-5, row 62
        (
            ["f 644 0:0 ../../x 1", "f 644 0:0 /abs 2"], [[String]](),
            ["d 755 0:0 t/", "f 644 0:0 t/abs = 2", "f 644 0:0 t/x = 1"]
        ),
        // ARC-6: directory onto directory merges and takes the archive's metadata
        (["d 711 5:5 a"], [["d t", "d 700 t/a", "f t/a/b"]], ["d 755 0:0 t/", "d 711 5:5 t/a/"]),
        // Row 61
        (["f 644 0:0 a x"], [["d t", "d t/a", "f t/a/b"]], ["d 755 0:0 t/", "f 644 0:0 t/a = x"]),
        // LAY-5: removed and recreated
        (
            ["f 644 0:0 a x", "d 755 0:0 a", "f 644 0:0 a/c y"], [["d t", "d t/a", "f t/a/b", "f t/a/c", "d t/a/d"]],
            ["d 755 0:0 t/", "d 755 0:0 t/a/", "f 0 0:0 t/a/.wh.b", "f 644 0:0 t/a/c = y", "f 0 0:0 t/a/.wh.d"]
        ),
        // ARC-8: links are followed inside the destination
        (
            ["l 777 0:0 l -> /z", "d 755 0:0 z", "f 644 0:0 l/x 1"], [],
            ["d 755 0:0 t/", "l 0:0 t/l -> /z", "d 755 0:0 t/z/", "f 644 0:0 t/z/x = 1"]
        ),
        (
            ["f 644 0:0 l/x 1"], [["d t", "d t/r", "l t/l -> r"]],
            ["d 755 0:0 t/", "d 755 0:0 t/r/", "f 644 0:0 t/r/x = 1"]
        ),
        // A set-group-ID directory hands itself down: to the destination with its group, to parents without.
        (
            ["f 644 0:0 p/q/x 1", "d 711 5:5 e", "d 2700 5:5 s", "f 644 0:0 s/n/y 2"],
            [["d 2775 0:1002 u", "l t -> u/t"]],
            [
                "d 2775 0:1002 u/", "d 2755 0:1002 u/t/", "d 711 5:5 u/t/e/",
                "d 2755 0:0 u/t/p/", "d 2755 0:0 u/t/p/q/",
                "f 644 0:0 u/t/p/q/x = 1", "d 2700 5:5 u/t/s/", "d 2755 0:0 u/t/s/n/", "f 644 0:0 u/t/s/n/y = 2",
            ]
        ),
        // A hard link to a file of the base brings that file along
        (
            ["h 600 1:1 new -> old"], [["d t", "f t/old o"]],
            ["d 755 0:0 t/", "f 600 1:1 t/new = o", "h t/old -> t/new"]
        ),
    ])
    func whatIsUnpackedOntoABase(_ entries: [String], _ base: [[String]], _ wanted: [String]) async throws {
        #expect(try await lines(ArchiveFixture.tar(entries), base: base, "ADD p.tar /t") == wanted)
    }

    @Test(arguments: [
        (["l 777 0:0 l -> /z", "f 644 0:0 l/x 1"], "failed to unpack p.tar: open /t/l: no such file or directory"),
        (["h 644 0:0 a -> missing"], "failed to unpack p.tar: link /t/a: /t/missing is no file"),
        (["f 644 0:0 a x", "f 644 0:0 a/b y"], "failed to unpack p.tar: mkdir /t/a: not a directory"),
    ])
    func unpackingThatFailsIsExplained(_ entries: [String], _ message: String) async throws {
        let error = await #expect(throws: BuildError.self) {
            try await lines(ArchiveFixture.tar(entries), "ADD p.tar /t")
        }
        #expect(error?.diagnostics.first?.message == message)
        #expect(error?.diagnostics.first?.range != nil)
    }

    @Test func aDestinationThatIsAFileIsAnError() async throws {
        let error = await #expect(throws: BuildError.self) {
            try await lines(Self.sample, base: [["f t"]], "ADD p.tar /t")
        }
        #expect(error?.diagnostics.first?.message == "mkdir /t: not a directory")
    }

    @Test func whiteoutNamesAreWarnedOf() async throws {
        let scenario = Scenario(files: ["p.tar": ArchiveFixture.tar(["f 644 0:0 .wh.x 1"])])
        #expect(try await scenario.spec(["ADD p.tar /"]).warnings.first?.message.contains("/.wh.x") == true)
    }

    // MARK: URLs and checkouts

    @Test func aDownloadIsCopiedForItsOwnerOnly() async throws {
        let file = FetchedFile(name: Array("f".utf8), content: .bytes([0x78]))
        let spec = try await Scenario().spec(["ADD http://h/f /d/"], fetched: [0: .file(file)])
        #expect(spec.entries.map(\.line) == ["d 755 0:0 d/", "f 600 0:0 d/f = x"])
        #expect(spec.entries.map(\.seconds) == [0, 0])
    }

    @Test func aDownloadedArchiveIsUnpackedOnRequest() async throws {
        let file = FetchedFile(name: Array("p.tar".utf8), content: .bytes(ArchiveFixture.tar(["f 644 0:0 a x"])))
        let plain = try await Scenario().spec(["ADD http://h/p.tar /d"], fetched: [0: .file(file)])
        #expect(plain.entries.map { String(decoding: $0.header.path, as: UTF8.self) } == ["d"])
        #expect(plain.entries.first?.header.kind == .file)
        let unpacked = try await Scenario().spec(["ADD --unpack http://h/p.tar /d"], fetched: [0: .file(file)])
        #expect(unpacked.entries.map(\.line) == ["d 755 0:0 d/", "f 644 0:0 d/a = x"])
    }
}
