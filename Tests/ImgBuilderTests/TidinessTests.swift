import ImgReport
import ImgStore
import ImgTestKit
import Testing

@testable import ImgBuilder

@Suite("What a request leaves") struct TidinessTests {
    private static func builder(_ scratch: Scratch) -> Builder {
        Builder(
            environment: BuilderEnvironment(
                variables: ["TMPDIR": scratch.path, "IMGBUILD_CACHE_DIR": "cache"],
                homeDirectory: "/nonexistent",
                workingDirectory: scratch.path
            )
        )
    }

    @Test(arguments: ["done", "failed", "cancelled"])
    func temporaryFilesGo(_ end: String) async throws {
        try await Scratch.with { scratch in
            let builder = Self.builder(scratch)
            // In the way of the cache, so that there is a temporary one.
            try scratch.write("cache", "")
            let made = await Task {
                try? await builder.perform { session in
                    let path = try await session.scratch.make("test")
                    let store = try await session.store()
                    #expect(scratch.names().count == 3)
                    if end == "cancelled" { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
                    if end != "done" { throw BuildError("\(end) \(store.path)") }
                    return path
                }
            }
            .value
            #expect((made != nil) == (end == "done"))
            #expect(scratch.names() == ["cache"])
        }
    }

    @Test func aRelativeCacheIsInTheWorkingDirectory() async throws {
        try await Scratch.with { scratch in
            let usage = try await Self.builder(scratch).cacheUsage()
            #expect(usage.path == scratch["cache"])
            var environment = BuilderEnvironment(variables: [:], homeDirectory: "/home", workingDirectory: "/home/me")
            environment.cacheDirectory = "c"
            #expect(environment.resolvedCacheDirectory == "/home/me/c")
        }
    }

    /// Another build may be about to send what it has just made.
    @Test func pruningKeepsWhatIsInUse() async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            store.setRecord(namespace: "n", key: "k", [1])
            for limit in [Int64?.none, 1] {
                #expect(try await Self.builder(scratch).pruneCache(to: limit) == 0)
            }
            #expect(store.record(namespace: "n", key: "k") == [1])
            let freed = try await Self.builder(scratch).pruneCache(to: 0)
            #expect(freed > 0)
            #expect(store.record(namespace: "n", key: "k") == nil)
        }
    }
}
