import ImgOCI
import ImgReport
import ImgTestKit
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

    @Test func quietSaysOnlyWarnings() async throws {
        let lines = try await output { PlainRenderer(console: $0, showsProgress: false, showsDebug: false) }
        #expect(lines == ["warning: careful"])
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
}
