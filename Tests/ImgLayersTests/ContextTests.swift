import Glibc
import ImgDockerfile
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTasks
import ImgTree
import Testing

@testable import ImgLayers

@Suite struct ContextTests {
    private func copied(_ context: [String], ignore: String) async throws -> [String] {
        let scenario = Scenario(context: context, ignore: ignore)
        return try await scenario.spec(["COPY . /"]).entries.map { String(decoding: $0.header.path, as: UTF8.self) }
    }

    @Test(arguments: [
        (["f a/b x", "f a/c y"], "a/b\n!a\n", ["a", "a/c"]),  // IGN-7, row 80
        (["f a/b x", "f a/c y"], "a\n!a/b\n", ["a", "a/b"]),  // IGN-8
        (["f a/b x", "f c y"], "*\n!a\n", ["a", "a/b"]),
        (["f x/y z", "f k l"], "x/**\n", ["k", "x"]),  // row 81
        (["f a/b/c x", "f a/b/d y"], "a\n!a/q\n", []),
        (["f d/x.md 1", "f d/e/y.md 2", "f d/e/z 3", "d e"], "**\n!d/**/*.md\n", ["d", "d/e", "d/e/y.md", "d/x.md"]),
        (["f a.log 1", "f b/c.log 2", "f b/d 3"], "**/*.log\n", ["b", "b/d"]),
    ])
    func whatIsLeftAfterIgnoring(_ context: [String], _ ignore: String, _ wanted: [String]) async throws {
        #expect(try await copied(context, ignore: ignore) == wanted)
    }

    @Test func ignoredPathsAreAbsentForWildcardsAndDirectories() async throws {
        let scenario = Scenario(context: ["f a.txt 1", "f b.txt 2", "f d/a.txt 3"], ignore: "**/a.txt\n")
        #expect(try await scenario.lines("COPY *.txt /x/") == ["d 755 0:0 x/", "f 644 0:0 x/b.txt = 2"])
        #expect(try await scenario.lines("COPY d /x/") == ["d 755 0:0 x/"])
    }

    @Test func onlyWhatIsAskedForIsRead() async throws {
        let fixture = try ContextFixture(["f a/b/c x", "f unread/d y"])
        var index = ContextIndex(root: try DirectoryRoot.open(fixture.path), patterns: nil)
        #expect(try index.lookup(Array("a/b/c".utf8))?.size == 1)
        #expect(index.count == 5)
    }

    @Test func whatWasReadAheadIsThere() async throws {
        let fixture = try ContextFixture(["f a/b/c x", "f a/d y", "f e z"])
        let tree = try await ContextTree.open(fixture.path, ignoring: nil, pool: Scenario.pool)
        for path in ["a", "e", "missing"] { await tree.readAhead(Array(path.utf8)) }
        unsafe unlink(fixture.path + "/a/b/c")
        unsafe unlink(fixture.path + "/a/d")
        let found = try await tree.descendants(of: Array("a".utf8)).map(\.path)
        #expect(found == ["a/b", "a/b/c", "a/d"].map { Array($0.utf8) })
    }

    /// What the system does not tell about must not be left out in silence; what is gone is.
    @Test func onlyWhatIsGoneIsLeftOut() throws {
        let fixture = try ContextFixture(["f here x"])
        var listing = DirectoryListing()
        for name in ["gone", "here"] { unsafe Array(name.utf8).withUnsafeBytes { unsafe listing.append(name: $0) } }
        var other = listing
        let directory = unsafe open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(directory) }
        listing.fill(from: directory)
        #expect(listing.items.map { Array(listing.name($0)) } == [Array("here".utf8)])
        #expect(listing.items.map(\.failure) == [0])
        other.fill(from: -1)
        #expect(other.items.map(\.failure) == [EBADF, EBADF])
        let patterns = try IgnorePatterns(parsing: Array("gone\n".utf8))
        let index = ContextIndex(root: try DirectoryRoot.open(fixture.path), patterns: patterns)
        let error = #expect(throws: BuildError.self) {
            try index.demandReadable(other, [], patterns.initialState)
        }
        #expect(error?.diagnostics.first?.message.hasSuffix("/here: bad file descriptor") == true)
        try index.demandReadable(listing, [], nil)
    }

    @Test func whatIsExcludedMayBeOutOfReach() throws {
        let fixture = try ContextFixture()
        var listing = DirectoryListing()
        unsafe Array("secret".utf8).withUnsafeBytes { unsafe listing.append(name: $0) }
        listing.fill(from: -1)
        for (text, isRefused) in [("secret\n", false), ("other\n", true), ("secret\n!secret/public\n", true)] {
            let patterns = try IgnorePatterns(parsing: Array(text.utf8))
            let index = ContextIndex(root: try DirectoryRoot.open(fixture.path), patterns: patterns)
            if isRefused {
                #expect(throws: BuildError.self) {
                    try index.demandReadable(listing, [], patterns.initialState)
                }
            } else {
                try index.demandReadable(listing, [], patterns.initialState)
            }
        }
    }

    @Test func aContextThatIsNotNeededAnyMoreIsReadNoFurther() async throws {
        let fixture = try ContextFixture(["f a/b x"])
        let root = try DirectoryRoot.open(fixture.path)
        let reading = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            var index = ContextIndex(root: root, patterns: nil)
            try index.readAll(below: [])
        }
        let error = await #expect(throws: BuildError.self) { try await reading.value }
        #expect(error?.code == .interrupted)
    }

    @Test func aMissingContextIsNamed() async {
        let error = await #expect(throws: BuildError.self) {
            try await ContextTree.open("/no/such/directory", ignoring: nil, pool: Scenario.pool)
        }
        #expect(error?.diagnostics.first?.message == "open /no/such/directory: no such file or directory")
    }

    @Test func fiftyThousandFilesAreWalkedOnce() async throws {
        let fixture = try ContextFixture()
        try fixture.fill(directories: 500, files: 100)
        let tree = try await ContextTree.open(fixture.path, ignoring: nil, pool: Scenario.pool)
        let start = ContinuousClock.now
        #expect(try await tree.descendants(of: []).count == 50_500)
        #expect(ContinuousClock.now - start < .seconds(5))
        // The second walk is one of memory.
        unsafe unlink(fixture.path + "/0/0")
        #expect(try await tree.descendants(of: []).count == 50_500)
        let base = try Scenario.stage([["d app", "d app/7", "f app/7/700"]])
        let resolver = CopyResolver(pool: Scenario.pool, layers: NoLayers(), spoolDirectory: "/tmp", times: .init())
        let step = CopyStep(verb: .copy, sources: [.path(".")], from: .context, destination: "/app/")
        let copied = try await resolver.resolve(step, at: nil, source: tree, into: base)
        #expect(copied.entries.count == 50_501)
    }
}

@Suite struct TimeTests {
    @Test func inventedDirectoriesTakeTheNewestSourceTime() async throws {
        let fixture = try ContextFixture(["f a x", "f b y"])
        fixture.touch("a", 1_100_000_000)
        let spec = try await Scenario().spec(["COPY a b /p/q/"], in: fixture)
        #expect(spec.entries.map(\.seconds) == [1_100_000_000, 1_100_000_000, 1_100_000_000, 1_000_000_000])
        #expect(spec.newestSourceTime == Timestamp(seconds: 1_100_000_000))
    }

    @Test func theEpochIsTheInventedTime() async throws {
        let scenario = Scenario(context: ["f a x"], times: .init(epoch: Timestamp(seconds: 7)))
        #expect(try await scenario.spec(["COPY a /p/"]).entries.map(\.seconds) == [7, 1_000_000_000])
        #expect(try await scenario.spec(["WORKDIR /w"]).entries.map(\.seconds) == [7])
        #expect(try await Scenario().spec(["WORKDIR /w"]).entries.map(\.seconds) == [0])
    }

    @Test func laterTimesAreClamped() async throws {
        let times = CopyResolver.Times(epoch: Timestamp(seconds: 700), clamp: Timestamp(seconds: 700))
        let scenario = Scenario(context: ["f a x"], base: [["d p"]], times: times)
        #expect(try await scenario.spec(["COPY a /p/q/"]).entries.map(\.seconds) == [700, 700, 700])
    }

    @Test func directoriesOfTheBaseKeepTheirTime() async throws {
        let scenario = Scenario(context: ["f d/a x"], base: [["d p", "d p/q"]])
        #expect(
            try await scenario.spec(["COPY d/a /p/q/"]).entries.map(\.seconds) == [
                500_000_000, 500_000_000, 1_000_000_000,
            ]
        )
        // CP-20: the top-level directory's time is the source's.
        #expect(
            try await scenario.spec(["COPY d /p/q/"]).entries.map(\.seconds) == [
                500_000_000, 1_000_000_000, 1_000_000_000,
            ]
        )
    }
}

@Suite struct StageTests {
    private let other = [["d 700 5:6 data", "f 600 5:6 data/f x", "h data/g -> data/f", "d e"], ["f data/.wh.none"]]

    @Test func ownersComeAlong() async throws {
        // Row 35, CP-22
        let scenario = Scenario(other: other)
        #expect(
            try await scenario.lines("COPY --from=other /data /d") == [
                "d 755 0:0 d/", "f 600 5:6 d/f = x", "h d/g -> d/f",
            ]
        )
    }

    @Test func copyingAnEmptyStageMakesTheDirectory() async throws {
        // Row 95
        #expect(try await Scenario().lines("COPY --from=other / /x/") == ["d 755 0:0 x/"])
    }

    @Test func capabilitiesSurvive() async throws {
        // LAY-6, row 86
        var entry = Scenario.baseEntry("f 755 ping x")
        entry.header.xattrs = [(name: "security.capability", value: [1, 2]), (name: "user.note", value: [3])]
        let stage = try StageTree().appending(LayerSpec(entries: [entry]))
        let found = try #require(try await stage.lookup(Array("ping".utf8)))
        #expect(found.capability == [1, 2])
        #expect(stage.content(of: found) == .bytes([0x78]))
    }

    @Test func contentOfBaseLayersIsNamedByLayerAndOrdinal() async throws {
        var builder = LayerIndex.Builder()
        try builder.append(Scenario.baseEntry("d a").header)
        try builder.append(Scenario.baseEntry("f a/b content").header)
        let index = try builder.finish()
        let digest = Digest(sha256: [UInt8](repeating: 1, count: 32))
        let load: @Sendable () async throws -> LayerIndex = { index }
        let stage = StageTree(layers: [(digest: digest, load: load)])
        let found = try #require(try await stage.lookup(Array("a/b".utf8)))
        #expect(stage.content(of: found) == .layerEntry(layer: digest, ordinal: 1, size: 7))
    }

    @Test func aSingleFileIsAContextOfOne() async throws {
        let tree = SingleFileTree(FetchedFile(name: Array("x.txt".utf8), content: .bytes([0x61]), mode: 0o644))
        #expect(try await tree.descendants(of: []).map(\.path) == [Array("x.txt".utf8)])
        #expect(try await tree.resolve(Array("x.txt".utf8)).entry?.size == 1)
        #expect(try await tree.resolve(Array("y".utf8)).outcome == .missing)
    }

    @Test func aCheckoutHasPlainModesAndOneTime() async throws {
        let fixture = try ContextFixture([
            "f 600 sub/a 1", "f 711 sub/run 2", "d 700 sub/d", "f sub/.git/HEAD h", "f top t",
        ])
        let context = try await ContextTree.open(fixture.path, ignoring: nil, pool: Scenario.pool)
        let tree = CheckoutTree(context, time: Timestamp(seconds: 9), subdirectory: Array("sub".utf8))
        let entries = try await tree.descendants(of: [])
        #expect(entries.map { String(decoding: $0.path, as: UTF8.self) } == ["a", "d", "run"])
        #expect(entries.map(\.mode) == [0o644, 0o755, 0o755])
        #expect(entries.allSatisfy { $0.mtime.seconds == 9 })
        let content = try #require(entries.first.flatMap { tree.content(of: $0) })
        #expect(try content.allBytes() == [0x31])
    }
}
