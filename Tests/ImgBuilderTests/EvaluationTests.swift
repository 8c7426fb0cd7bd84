import ImgOCI
import ImgPlan
import ImgReport
import ImgTestKit
import Testing

@testable import ImgBuilder

/// Dockerfiles that need no image; nothing leaves the process.
@Suite("Evaluation without a build") struct EvaluationTests {
    private static func request(_ text: String) -> BuildRequest {
        var request = BuildRequest(context: .empty)
        request.dockerfile = .text(Array(text.utf8), name: "Dockerfile")
        request.platforms = [Platform(os: "linux", architecture: "amd64")]
        return request
    }

    private static func builder(_ events: any EventSink = SilentEvents()) -> Builder {
        Builder(
            environment: BuilderEnvironment(variables: [:], homeDirectory: "/nonexistent", workingDirectory: "/"),
            events: events
        )
    }

    @Test func checkFindsWithPlaces() async throws {
        let report = try await Self.builder().check(Self.request("FROM scratch\nLABEL a b\nLABEL c d\n"))
        #expect(report.warnings.map(\.rule) == ["LegacyKeyValueFormat", "LegacyKeyValueFormat"])
        #expect(report.warnings.map { $0.range?.startLine } == [2, 3])
        #expect(report.error == nil)
        #expect(!report.isClean)
    }

    @Test func findingsBeforeTheError() async throws {
        let report = try await Self.builder().check(Self.request("FROM scratch\nlabel a=b\nUSER x\nENV ${A?no}=1\n"))
        #expect(report.warnings.map(\.rule) == ["ConsistentInstructionCasing"])
        #expect(report.error?.diagnostics.first?.range?.startLine == 4)
    }

    /// What takes the whole file, such as the casing of keywords, is not looked at then.
    @Test func findingsBeforeAMistake() async throws {
        let text = "FROM scratch AS X\nlabel a b\nMAINTAINER\nMAINTAINER me\n"
        let report = try await Self.builder().check(Self.request(text))
        #expect(report.warnings.map(\.rule) == ["StageNameCasing", "LegacyKeyValueFormat"])
        #expect(report.error?.diagnostics.first?.range?.startLine == 3)
        // A file that can't be split into instructions has no findings.
        let unsplit = try await Self.builder().check(Self.request("FROM scratch AS X\nENV a\n"))
        #expect(unsplit.warnings.isEmpty)
        #expect(unsplit.error?.diagnostics.first?.range?.startLine == 2)
    }

    @Test(
        arguments: [
            ("x", 1, "invalid boolean value for multi-platform: x"),
            ("0", 2, "conflicting config: returning multiple target platforms is not allowed"),
            ("0", 1, nil), ("true", 1, nil), ("", 2, nil),
        ] as [(String, Int, String?)]
    )
    func multiPlatformIsCheckedAgainstThePlatforms(_ value: String, _ count: Int, _ message: String?) throws {
        let platforms = ["amd64", "arm64"].prefix(count).map { Platform(os: "linux", architecture: $0) }
        do {
            let arguments = try BuilderArguments(["BUILDKIT_MULTI_PLATFORM": value], platforms: platforms)
            #expect(message == nil)
            #expect(arguments.forcesIndex == (value == "true"))
        } catch {
            #expect(error.description == message)
        }
    }

    @Test func errorsDirectiveFailsABuild() async throws {
        let request = Self.request("# check=error=true\nFROM scratch\nLABEL a b\n")
        let error = try await #require(throws: BuildError.self) { try await Self.builder().build(request) }
        #expect(error.description.contains("lint violation found for rules: LegacyKeyValueFormat"))
        #expect(try await Self.builder().check(request).error == nil)
    }

    /// A registry that has nothing is asked for something that is nearly a stage.
    @Test func missingBaseIsNamed() async throws {
        let server = try ScriptedServer { _ in ServerResponse(404) }
        defer { server.stop() }
        let name = "127.0.0.1:\(server.port)/none"
        let error = try await #require(throws: BuildError.self) {
            try await Self.builder().build(Self.request("FROM scratch AS tools\nFROM \(name) AS x\n"))
        }
        let cause = try #require(error.diagnostics.first)
        #expect(error.code == .notFound)
        #expect(
            cause.message.hasPrefix("\(name):latest: failed to resolve source metadata for \(name):latest: cannot read")
        )
        #expect(cause.range?.startLine == 2)
    }

    @Test(arguments: [
        ("tool", " (did you mean tools?)"), ("alpin:3", " (did you mean alpine?)"), ("node", ""), ("a/b", ""),
    ])
    func aNearStageIsSuggestedForABase(_ name: String, _ suffix: String) throws {
        let source = BaseRequest.Source.image(try ImageReference(parsing: name))
        #expect(BaseResolver.suggestion(for: source, among: ["tools", "x"]) == suffix)
    }

    @Test func outlineNamesArgumentsWithTheirValues() async throws {
        var request = Self.request("ARG A=1\n# app Serves\nFROM scratch AS app\n# B is new\nARG B\nARG A\n")
        request.buildArguments = [BuildArgument(name: "B", value: "given")]
        let report = try await Self.builder().outline(request)
        #expect(report.name == "app")
        #expect(report.description == "Serves")
        #expect(report.arguments.map(\.name) == ["A", "B"])
        #expect(report.arguments.map(\.value) == ["1", "given"])
        #expect(report.arguments.map(\.description) == [nil, "is new"])
    }

    @Test func targetsNameBasesAndTheDefault() async throws {
        let report = try await Self.builder().targets(Self.request("FROM a AS x\nFROM --platform=$P x\n"))
        #expect(report.targets.map(\.name) == ["x", nil])
        #expect(report.targets.map(\.isDefault) == [false, true])
        #expect(report.targets.map(\.base) == ["a", "x"])
        #expect(report.targets.map(\.platform) == [nil, "$P"])
    }
}
