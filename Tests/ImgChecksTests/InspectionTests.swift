import Glibc
import ImgChecks
import ImgTestKit
import Testing

/// Reads a file as the layer scan does.
func inspect(_ path: String) throws -> ExecutableFacts? { inspect(try contents(path), chunk: 256 << 10) }

func inspect(_ bytes: [UInt8], chunk: Int) -> ExecutableFacts? {
    var inspection = ExecutableInspection()
    var position = 0
    var size = min(chunk, 4096)
    while position < bytes.count {
        let end = min(position + size, bytes.count)
        let wantsMore = unsafe bytes.withUnsafeBytes { unsafe inspection.feed(.init(rebasing: $0[position..<end])) }
        guard wantsMore else { break }
        position = end
        size = chunk
    }
    return inspection.finish()
}

func contents(_ path: String) throws -> [UInt8] {
    let file = try unsafe #require(unsafe fopen(path, "rb"), "\(path): errno \(errno)")
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
        let count = unsafe chunk.withUnsafeMutableBytes { unsafe fread($0.baseAddress, 1, $0.count, file) }
        guard count > 0 else { return bytes }
        bytes += chunk[..<count]
    }
}

/// Broken objects are read without harm.
@Suite struct InspectionTests {
    static let extremes: [UInt64] = [0, 1, 120, 1 << 20, 1 << 31, 1 << 62, .max - 7, .max]

    @Test(arguments: [1, 2, 3] as [UInt64], extremes) func impossibleSegmentsAreIgnored(type: UInt64, offset: UInt64) {
        for size in Self.extremes {
            for address in Self.extremes {
                let bytes = HandMade.elf(segmentType: type, offset: offset, address: address, size: size)
                let facts = inspect(bytes + [UInt8](repeating: 0xff, count: 5000), chunk: 700)
                #expect(facts?.needed == [])
            }
        }
    }

    /// Every byte of the header and of the dynamic part is damaged once.
    @Test func damagedProgramsGiveFactsThatSurviveStorage() throws {
        let bytes = Array(try contents("/bin/ls").prefix(64 << 10))
        for place in Array(0..<1200) + Array(stride(from: 1200, to: bytes.count, by: 61)) {
            var damaged = bytes
            damaged[place] = 0xff
            expectHarmless(damaged)
        }
        for length in stride(from: 0, to: 4000, by: 37) { expectHarmless(Array(bytes.prefix(length))) }
    }

    /// The answer depends on the bytes alone, and it can be stored.
    private func expectHarmless(_ bytes: [UInt8]) {
        let facts = inspect(bytes, chunk: 64 << 10)
        #expect(inspect(bytes, chunk: 4096) == facts)
        if let facts { #expect(ExecutableFacts(decoding: facts.encoded) == facts) }
    }

    /// Each of many libraries wants the same long chain of versions.
    @Test(.timeLimit(.minutes(1))) func versionTablesThatOverlap() throws {
        // As a library: 65535 versions; as a version: its name; as either: the next is 16 bytes on.
        let item: [UInt8] = [1, 0, 0xff, 0xff, 0, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0, 0]
        let names = Array("................GLIBC_2.5\0......".utf8)
        let start = UInt64(176 + 4 * 16)
        let bytes = HandMade.elf(
            dynamic: [(5, start), (0x6fff_fffe, start + UInt64(names.count)), (0x6fff_ffff, 4096)],
            body: names + Array(repeatElement(item, count: 60_000).joined())
        )
        let facts = try #require(inspect(bytes, chunk: 256 << 10))
        #expect(facts.glibcNeeded?.description == "2.5")
    }

    @Test(arguments: [(3, true), (4000, false)]) func namesAreKeptUpToALimit(_ count: Int, _ isKept: Bool) throws {
        let start = UInt64(176 + (count + 2) * 16)
        let bytes = HandMade.elf(
            dynamic: [(5, start)] + Array(repeating: (1, 0), count: count),
            body: Array(repeating: UInt8(ascii: "l"), count: 4000) + [0]
        )
        let facts = try #require(inspect(bytes, chunk: 256 << 10))
        #expect(facts.hasDynamicInfo == isKept)
        #expect(facts.needed.count == (isKept ? count : 0))
    }

    @Test func mostFilesAreDismissedAtOnce() {
        var inspection = ExecutableInspection()
        let text = Array("just a text\n".utf8)
        #expect(unsafe !text.withUnsafeBytes { unsafe inspection.feed($0) })
        #expect(inspection.finish() == nil)
    }

    @Test(arguments: ["#!/bin/sh -e\n", "#!/usr/bin/env node\r\n"]) func scriptsSurviveStorage(_ text: String) throws {
        let facts = try #require(inspect(Array(text.utf8), chunk: 4))
        #expect(ExecutableFacts(decoding: facts.encoded) == facts)
    }

    @Test(
        arguments: [
            HandMade.pe(machine: 0x8664, flags: 0x2022), HandMade.fatMachO(types: [0x100_0007, 0x100_000c]),
            HandMade.elf(machine: 40, is64: false, flags: 0x400),
        ]
    )
    func otherFormatsSurviveStorage(_ bytes: [UInt8]) throws {
        let facts = try #require(inspect(bytes, chunk: 4096))
        #expect(ExecutableFacts(decoding: facts.encoded) == facts)
    }

    @Test(arguments: ["", "{}", "[1]", "/usr/local/lib\n"]) func otherNotesAreNoFacts(_ text: String) {
        #expect(ExecutableFacts(decoding: Array(text.utf8)) == nil)
    }

    @Test(
        arguments: [
            ("GLIBC_2.36", "2.36"), ("GLIBC_2.2.5", "2.2"), ("GLIBC_ABI_DT_RELR", "2.36"), ("GLIBC_PRIVATE", nil),
            ("GLIBCXX_3.4.30", nil), ("GCC_3.0", nil),
        ] as [(String, String?)]
    )
    func versionsOfSymbols(_ name: String, _ version: String?) {
        #expect(LibraryVersion(symbolVersion: name)?.description == version)
    }

    @Test func pathsAreTakenOutOfTheLoadersCache() {
        let cache: [UInt8] =
            Array("glibc-ld.so.cache1.1".utf8) + [1, 0, 0, 0] + Array("libx.so.1\0/usr/local/lib/libx.so.1\0".utf8)
        #expect(CheckedTexts.isWanted("etc/ld.so.cache"))
        let kept = CheckedTexts.kept(cache, of: "etc/ld.so.cache")
        #expect(String(decoding: kept, as: UTF8.self) == "/usr/local/lib/libx.so.1")
        #expect(CheckedTexts.kept([1, 2], of: "etc/ld.so.conf") == [1, 2])
    }
}
