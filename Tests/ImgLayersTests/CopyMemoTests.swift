import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTestKit
import ImgTree
import Synchronization
import Testing

/// Counts what is asked of a source.
private final class CountingSource: SourceTree {
    let tree: StageTree
    let walks = Mutex(0)
    /// How often something was missing.
    let misses = Counter()
    /// Paths that were read ahead.
    let ahead = Mutex<[[UInt8]]>([])

    init(_ tree: StageTree) { self.tree = tree }

    func lookup(_ path: [UInt8]) async throws(BuildError) -> Entry? { try await tree.lookup(path) }

    func children(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        try await tree.children(of: directory)
    }

    func descendants(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        walks.withLock { $0 += 1 }
        return try await tree.descendants(of: directory)
    }

    func readAhead(_ path: [UInt8]) async { ahead.withLock { $0.append(path) } }

    func content(of entry: Entry) -> ContentRef? { tree.content(of: entry) }

    func hints(forMissing path: [UInt8]) async -> [String] {
        misses.add(1)
        return []
    }
}

@Suite("Copies of several platforms") struct CopyMemoTests {
    private static let resolver = CopyResolver(
        pool: Scenario.pool,
        layers: NoLayers(),
        spoolDirectory: "/tmp",
        times: CopyResolver.Times()
    )

    private struct NoCopy: Error {}

    private static func copy(_ instruction: String) throws -> (step: CopyStep, range: SourceRange) {
        var script = StepScript([instruction])
        guard let step = try script.next(), case .copy(let copy) = step.action else { throw NoCopy() }
        return (copy, step.range)
    }

    /// Resolves one COPY over several stages with one memo, and each without one.
    private static func resolve(_ instruction: String, over stages: [[String]]) async throws -> Int {
        let source = CountingSource(
            try Scenario.stage([["d 755 0:0 app", "f 644 0:0 app/a one", "f 755 0:0 app/b two"]])
        )
        let memo = CopyMemo(Self.resolver)
        let (copy, range) = try Self.copy(instruction)
        for lines in stages {
            let stage = try Scenario.stage([lines])
            let shared = try await memo.resolve(copy, at: range, source: source, into: stage)
            let alone = try await Self.resolver.resolve(copy, at: range, source: source.tree, into: stage)
            #expect(shared.spec.entries.map(\.line) == alone.entries.map(\.line))
            let after = try stage.appending(alone)
            for path in ["app/a", "usr", "usr/app/b"] {
                let path = Array(path.utf8)
                #expect(try await shared.stage.lookup(path)?.mode == after.lookup(path)?.mode)
            }
        }
        return source.walks.withLock { $0 }
    }

    @Test func equalAnswersAreOnePieceOfWork() async throws {
        #expect(try await Self.resolve("COPY app /app", over: [["f etc x"], ["f bin y"], []]) == 1)
        let lines = ["d 755 0:0 usr", "d 700 1:2 usr/app", "f 644 0:0 usr/app/a old"]
        #expect(try await Self.resolve("COPY app /usr/app", over: [lines, lines + ["f other z"]]) == 1)
    }

    @Test func otherAnswersAreOtherLayers() async throws {
        let walks = try await Self.resolve(
            "COPY app /usr/app",
            over: [
                ["d 755 0:0 usr"], ["d 711 0:0 usr"], ["d 755 0:0 usr", "l usr/app -> /opt"],
                ["l usr -> opt", "d opt"],
                ["d 755 0:0 usr"],
            ]
        )
        #expect(walks == 4)
    }

    @Test func aLinkReadsNoBase() async throws {
        let source = try Scenario.stage([["f app x"]])
        let reads = Counter()
        let load: @Sendable () async throws -> LayerIndex = {
            reads.add(1)
            throw BuildError("it is not there")
        }
        let base = StageTree(layers: [(digest: SHA256.digest(of: []), load: load)])
        let (copy, range) = try Self.copy("COPY --link app /usr/app")
        let made = try await CopyMemo(Self.resolver).resolve(copy, at: range, source: source, into: base)
        #expect(made.spec.entries.count == 2)
        #expect(reads.value == 0)
    }

    /// Whoever did the work knows that it fails.
    @Test func aFailureIsWorkedOutOnce() async throws {
        let source = CountingSource(try Scenario.stage([["f app x"]]))
        let (copy, range) = try Self.copy("COPY missing /")
        await #expect(throws: BuildError.self) {
            try await CopyMemo(Self.resolver).resolve(copy, at: range, source: source, into: try Scenario.stage([]))
        }
        #expect(source.misses.value == 1)
    }

    @Test func aNameIsLookedUpInEachImage() async throws {
        let walks = try await Self.resolve(
            "COPY --chown=me app /app",
            over: [["d etc", "f etc/passwd me:x:5:6::/:"], ["d etc", "f etc/passwd me:x:7:8::/:"]]
        )
        #expect(walks == 2)
    }

    /// The base's layer does not come before the context has been read.
    @Test func theContextIsReadWhileTheBaseIs() async throws {
        let source = CountingSource(try Scenario.stage([["d app", "f app/a x", "f b y"]]))
        let load: @Sendable () async throws -> LayerIndex = {
            for _ in 0..<1000 where source.ahead.withLock({ $0.count < 2 }) {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(source.ahead.withLock { $0 } == [Array("app".utf8), Array("b".utf8)])
            return LayerIndex()
        }
        let base = StageTree(layers: [(digest: SHA256.digest(of: []), load: load)])
        let (copy, range) = try Self.copy("COPY app b c* /usr/app/")
        let made = try await CopyMemo(Self.resolver).resolve(copy, at: range, source: source, into: base)
        #expect(made.spec.entries.count == 4)
        #expect(source.ahead.withLock { $0 }.count == 2)
    }
}
