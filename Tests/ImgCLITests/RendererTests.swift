import ImgOCI
import ImgReport
import ImgTestKit
import Synchronization
import Testing

@testable import ImgBuilder
@testable import ImgCLI

@Suite("Events as lines") struct RendererTests {
    private static let digest = "sha256:" + String(repeating: "ab", count: 32)

    private static func events() throws -> [BuildEvent] {
        let digest = try Digest(parsing: digest)
        let platform = try Platform(parsing: "linux/arm64")
        let blob = { (state: BlobEvent.State) in
            BuildEvent.blob(BlobEvent(digest: digest, size: 1500, repository: "ghcr.io/a/b", state: state))
        }
        return [
            .note("hello"), .debug("looking"), .warning(Diagnostic(.warning, "careful")),
            .step(StepEvent(title: "COPY a /", platforms: [platform], state: .built(size: 2000))),
            .step(StepEvent(title: "COPY a /", platforms: [platform], state: .cached)), blob(.exists),
            blob(.mounted(from: "a/base")), blob(.retrying(attempt: 2, reason: "a reset")),
            .manifest(repository: "ghcr.io/a/b", digest: digest, platform: platform),
            .tagged(reference: "ghcr.io/a/b:1", digest: digest), .warning(Diagnostic(.warning, "careful")),
        ]
    }

    /// What a renderer writes for all events.
    private func output(_ make: (Console) -> any Renderer) async throws -> [String] {
        try await Scratch.with { scratch in
            let path = try scratch.write("out", "")
            let file = try OpenFile(path)
            let renderer = make(Console(descriptor: file.descriptor))
            for event in try Self.events() { renderer.emit(event) }
            return try await Program.run("cat", [path]).output.split(separator: "\n").map(String.init)
        }
    }

    @Test func plainHasALineForEachEventOnce() async throws {
        let lines = try await output { PlainRenderer(console: $0, showsProgress: true, showsDebug: false) }
        #expect(
            lines == [
                "hello", "warning: careful", "[linux/arm64] COPY a /: 2.0 kB", "[linux/arm64] COPY a /: cached",
                "ghcr.io/a/b abababababab 1.5 kB: exists", "ghcr.io/a/b abababababab 1.5 kB: mounted from a/base",
                "ghcr.io/a/b abababababab 1.5 kB: attempt 2 after a reset",
                "ghcr.io/a/b [linux/arm64] manifest \(Self.digest)", "pushed ghcr.io/a/b:1@\(Self.digest)",
            ]
        )
    }

    /// Commands whose result is on standard output don't hide that they try again (RETRY-7).
    @Test func notesWithoutProgress() async throws {
        let lines = try await output {
            PlainRenderer(console: $0, showsProgress: false, showsNotes: true, showsDebug: false)
        }
        #expect(lines == ["hello", "warning: careful"])
        let whole = try await output {
            PlainRenderer(console: $0, showsProgress: true, showsNotes: true, showsDebug: false)
        }
        #expect(whole.count { $0 == "hello" } == 1)
    }

    @Test func quietSaysOnlyWarnings() async throws {
        let lines = try await output { PlainRenderer(console: $0, showsProgress: false, showsDebug: false) }
        #expect(lines == ["warning: careful"])
    }

    @Test func debugIsJSONAsWell() async throws {
        let lines = try await output { JSONRenderer(console: $0, showsDebug: true) }
        #expect(lines.contains(#"{"event":"debug","message":"looking"}"#))
        let fewer = try await output { JSONRenderer(console: $0) }
        #expect(fewer == lines.filter { !$0.contains("debug") })
    }

    @Test func theFinalErrorIsJSON() throws {
        let line = JSONRenderer.line(BuildError(.denied, "no", hints: ["ask"]))
        #expect(
            line == #"{"event":"error","status":3,"errors":[{"severity":"error","message":"no","remedy":"ask"}]}"#
        )
    }

    @Test func debugSaysMore() async throws {
        let lines = try await output { PlainRenderer(console: $0, showsProgress: false, showsDebug: true) }
        #expect(lines == ["debug: looking", "warning: careful"])
    }

    @Test func jsonIsOneObjectALine() async throws {
        let lines = try await output { JSONRenderer(console: $0) }
        let objects = try lines.map { try JSON.parse(Array($0.utf8)) }
        #expect(
            objects.map { $0["event"]?.stringValue } == [
                "note", "warning", "step", "step", "blob", "blob", "blob", "manifest", "tagged", "warning",
            ]
        )
        #expect(objects[2]["size"]?.integerValue == 2000)
        #expect(objects[3]["state"]?.stringValue == "cached")
        #expect(objects[5]["from"]?.stringValue == "a/base")
        #expect(objects[6]["attempt"]?.integerValue == 2)
        #expect(objects[8]["reference"]?.stringValue == "ghcr.io/a/b:1")
        #expect(objects.filter { $0["digest"] != nil }.allSatisfy { $0["digest"]?.stringValue == Self.digest })
    }

    // MARK: What is under way

    private static func upload(_ sent: Int64, of size: Int64 = 50_000_000) throws -> BuildEvent {
        .blob(
            BlobEvent(
                digest: try Digest(parsing: digest),
                size: size,
                repository: "ghcr.io/a/b",
                state: .uploading(sent: sent)
            )
        )
    }

    /// What is written for events at these seconds.
    private func output(isLive: Bool, _ events: [(second: Int, event: BuildEvent)]) async throws -> String {
        try await Scratch.with { scratch in
            let path = try scratch.write("out", "")
            let file = try OpenFile(path)
            let start = ContinuousClock.now
            let second = Mutex(0)
            let renderer = PlainRenderer(
                console: Console(descriptor: file.descriptor),
                showsProgress: true,
                showsDebug: false,
                isLive: isLive,
                now: { start + .seconds(second.withLock { $0 }) }
            )
            for (time, event) in events {
                second.withLock { $0 = time }
                renderer.emit(event)
            }
            return try await Program.run("cat", [path]).output
        }
    }

    @Test func aLogHearsOfLongUploadsEveryTenSeconds() async throws {
        let name = "ghcr.io/a/b abababababab 50.0 MB"
        var events = try (0...25).map { (second: $0, event: try Self.upload(Int64($0) * 1_000_000)) }
        events.append(
            (
                26,
                .blob(
                    BlobEvent(
                        digest: try Digest(parsing: Self.digest),
                        size: 50_000_000,
                        repository: "ghcr.io/a/b",
                        state: .pushed
                    )
                )
            )
        )
        #expect(
            try await output(isLive: false, events).split(separator: "\n") == [
                "\(name): uploading", "\(name): 10.0 MB uploaded", "\(name): 20.0 MB uploaded", "\(name): pushed",
            ]
        )
    }

    @Test func aTerminalShowsItOnItsLastLine() async throws {
        let layer = BuildEvent.step(
            StepEvent(
                title: "COPY a /",
                platforms: [try Platform(parsing: "linux/arm64")],
                state: .building(done: 10_000_000, of: 20_000_000)
            )
        )
        let built = BuildEvent.step(
            StepEvent(title: "COPY a /", platforms: [try Platform(parsing: "linux/arm64")], state: .built(size: 2000))
        )
        let clear = "\r\u{1b}[2K"
        let text = try await output(
            isLive: true,
            [(0, try Self.upload(0)), (2, try Self.upload(20_000_000)), (2, layer), (2, .note("hello")), (3, built)]
        )
        let both = "1 layer, 1 upload: 30.0 MB of 70.0 MB, 10.0 MB/s, 4 s left"
        #expect(
            text
                == [
                    "\(clear)1 upload: 0 B of 50.0 MB", "\(clear)1 upload: 20.0 MB of 50.0 MB, 10.0 MB/s, 3 s left",
                    "\(clear)\(both)", "\(clear)hello\n\(both)", "\(clear)[linux/arm64] COPY a /: 2.0 kB\n\(both)",
                    "\(clear)1 upload: 20.0 MB of 50.0 MB, 6.7 MB/s, 5 s left",
                ]
                .joined()
        )
    }

    @Test func jsonHasTheNumbers() async throws {
        let lines = try await Scratch.with { scratch in
            let path = try scratch.write("out", "")
            let file = try OpenFile(path)
            let renderer = JSONRenderer(console: Console(descriptor: file.descriptor))
            renderer.emit(try Self.upload(5))
            renderer.emit(.step(StepEvent(title: "COPY a /", platforms: [], state: .building(done: 6, of: 7))))
            return try await Program.run("cat", [path]).output.split(separator: "\n").map(String.init)
        }
        let objects = try lines.map { try JSON.parse(Array($0.utf8)) }
        #expect(objects[0]["sent"]?.integerValue == 5)
        #expect(objects[1]["done"]?.integerValue == 6)
        #expect(objects[1]["total"]?.integerValue == 7)
    }
}
