import ImgOCI
import ImgReport
import ImgTestKit
import Testing

@testable import ImgBuilder

@Suite("Places of results") struct OutputPlacesTests {
    /// The build itself would fail, too, but later.
    private static func failure(
        _ scratch: Scratch,
        _ outputs: OutputRequest...,
        platforms: [String],
        cache: String? = nil
    ) async throws -> String {
        var request = BuildRequest(context: .empty)
        request.dockerfile = .text(Array("FROM scratch\nCOPY missing /\n".utf8), name: "Dockerfile")
        request.platforms = try platforms.map { try Platform(parsing: $0) }
        request.outputs = outputs
        request.cacheTargets = cache.map { [CacheTarget(.local(path: $0))] } ?? []
        var environment = BuilderEnvironment(
            variables: ["TMPDIR": scratch.path],
            homeDirectory: scratch.path,
            workingDirectory: scratch.path
        )
        environment.cacheDirectory = scratch["cache"]
        let builder = Builder(environment: environment)
        let error = await #expect(throws: BuildError.self) { _ = try await builder.build(request) }
        return error?.description ?? ""
    }

    @Test func aFileThatCannotBeWrittenIsRefusedFirst() async throws {
        try await Scratch.with { scratch in
            scratch.makeParents(of: "directory/x")
            try scratch.write("file", "")
            let outputs: [OutputRequest] = [
                .layout(path: "directory", isTar: true), .layout(path: "file", isTar: false),
                .dockerArchive(path: "missing/x.tar"),
            ]
            for output in outputs {
                let text = try await Self.failure(scratch, output, platforms: ["linux/amd64"])
                #expect(text.contains("cannot write"), "\(text)")
            }
        }
    }

    @Test func aCacheThatCannotBeWrittenToo() async throws {
        try await Scratch.with { scratch in
            try scratch.write("file", "")
            let text = try await Self.failure(scratch, .nothing, platforms: ["linux/amd64"], cache: "file")
            #expect(text.contains("cannot write"), "\(text)")
        }
    }

    @Test func standardOutputTakesOne() async throws {
        try await Scratch.with { scratch in
            let text = try await Self.failure(
                scratch,
                .layout(path: "-", isTar: true),
                .dockerArchive(path: "-"),
                platforms: ["linux/amd64"]
            )
            #expect(text.contains("2 outputs go to standard output"), "\(text)")
        }
    }

    @Test func dockerTakesOnePlatform() async throws {
        try await Scratch.with { scratch in
            for output in [OutputRequest.dockerArchive(path: "x.tar"), .dockerDaemon] {
                let text = try await Self.failure(scratch, output, platforms: ["linux/amd64", "linux/arm64"])
                #expect(text.contains("one platform, this image has 2"), "\(text)")
            }
        }
    }
}
