import ImgChecks
import ImgTestKit
import Testing

/// What is read of this machine's own programs is what `readelf` reads of them.
@Suite struct RealFileTests {
    static let swiftProgram = CommandLine.arguments[0]

    static let dynamic = [
        "/bin/ls", "/bin/bash", "/usr/bin/python3", "/usr/bin/openssl", "/usr/bin/git", "/usr/bin/readelf",
        swiftProgram,
    ]

    @Test(arguments: dynamic) func programsAreReadAsReadelfDoes(_ path: String) async throws {
        let facts = try #require(try inspect(path))
        guard case .elf(let machine, _) = facts.format else {
            Issue.record("\(path) is no ELF object")
            return
        }
        #expect(machine.name == (try await hostArchitecture()))
        #expect(facts.hasDynamicInfo)
        let dynamic = try await Program.output("readelf", ["-dW", path])
        #expect(facts.needed == bracketed(dynamic, "(NEEDED)"))
        #expect(!facts.needed.isEmpty)
        #expect(facts.runpath == bracketed(dynamic, "(RUNPATH)").first)
        let headers = try await Program.output("readelf", ["-lW", path])
        let marker = "Requesting program interpreter: "
        let interpreter = headers.split(separator: "\n").first { $0.contains(marker) }
            .map { line in String(line.split(separator: ": ")[1].dropLast()) }
        #expect(facts.interpreter == interpreter)
        #expect(interpreter != nil)
        #expect(facts.glibcNeeded == (try await newestGlibc(path, section: "Version needs")))
    }

    @Test func libcSaysWhatItOffers() async throws {
        let listing = try await Program.output("ldd", ["/bin/ls"])
        let line = try #require(listing.split(separator: "\n").first { $0.contains("libc.so.6") })
        let path = String(try #require(line.split(separator: " ").first { $0.hasPrefix("/") }))
        let facts = try #require(try inspect(path))
        let version = try await Program.output("getconf", ["GNU_LIBC_VERSION"])
        #expect(facts.glibcDefined?.description == version.split(whereSeparator: \.isWhitespace).last.map(String.init))
        #expect(facts.glibcDefined == (try await newestGlibc(path, section: "Version definition")))
    }

    @Test func staticProgramNeedsNothing() async throws {
        try await Scratch.with { scratch in
            try scratch.write("main.c", "int main(void) { return 0; }\n")
            try await Program.output("gcc", ["-static", "-o", "static", "main.c"], in: scratch.path)
            let facts = try #require(try inspect(scratch["static"]))
            #expect(facts.interpreter == nil)
            #expect(facts.needed.isEmpty)
            #expect(facts.hasDynamicInfo)
        }
    }

    @Test func pathsOfTheProgramAreRead() async throws {
        try await Scratch.with { scratch in
            try scratch.write("main.c", "int main(void) { return 0; }\n")
            for (flag, name) in [("--disable-new-dtags", "old"), ("--enable-new-dtags", "new")] {
                try await Program.output(
                    "gcc",
                    ["-Wl,\(flag),-rpath,$ORIGIN/../lib", "-o", name, "main.c"],
                    in: scratch.path
                )
            }
            let old = try #require(try inspect(scratch["old"]))
            let new = try #require(try inspect(scratch["new"]))
            #expect(old.rpath == "$ORIGIN/../lib")
            #expect(old.runpath == nil)
            #expect(new.rpath == nil)
            #expect(new.runpath == "$ORIGIN/../lib")
        }
    }

    /// A dynamic section beyond the part that is held is read as it passes by.
    @Test(arguments: [1, 4096, 65536, 5 << 20]) func chunksDoNotMatter(_ size: Int) async throws {
        let bytes = try contents(Self.swiftProgram)
        let whole = try #require(inspect(bytes, chunk: bytes.count))
        #expect(inspect(bytes, chunk: max(size, 512)) == whole)
        #expect(!whole.needed.isEmpty)
    }

    @Test(arguments: dynamic.prefix(3)) func storedFormIsFaithful(_ path: String) throws {
        let facts = try #require(try inspect(path))
        #expect(ExecutableFacts(decoding: facts.encoded) == facts)
    }

    // MARK: - Helpers

    private func hostArchitecture() async throws -> String {
        let name = try await Program.output("uname", ["-m"]).dropLast()
        return ["x86_64": "amd64", "aarch64": "arm64"][name] ?? String(name)
    }

    /// The texts in brackets of the lines with a marker.
    private func bracketed(_ listing: String, _ marker: String) -> [String] {
        listing.split(separator: "\n").filter { $0.contains(marker) }
            .map { String($0.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }) }
    }

    private func newestGlibc(_ path: String, section: String) async throws -> LibraryVersion? {
        let listing = try await Program.output("readelf", ["-VW", path])
        var isInside = false
        var versions: [LibraryVersion] = []
        for line in listing.split(separator: "\n") {
            if line.hasPrefix("Version") { isInside = line.hasPrefix(section) }
            guard isInside, !line.contains("Flags: WEAK") else { continue }
            let words = line.split(separator: " ").map(String.init)
            versions += words.compactMap { LibraryVersion(symbolVersion: $0) }
        }
        return versions.max()
    }
}
