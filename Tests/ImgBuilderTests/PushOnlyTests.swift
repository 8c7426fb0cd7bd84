import ImgOCI
import ImgReport
import ImgTestKit
import Testing

@testable import ImgBuilder

/// Accounts that may push and not read.
@Suite("Pushes without the right to read") struct PushOnlyTests {
    /// A registry that refuses every question and takes everything, or nothing.
    private static func registry(takes: Bool = true) throws -> ScriptedServer {
        try ScriptedServer { exchange in
            if exchange.path == "/v2/" { return ServerResponse(200, text: "{}") }
            try exchange.discardBody()
            guard takes, !["GET", "HEAD"].contains(exchange.method) else {
                return ServerResponse(403, text: #"{"errors":[{"code":"DENIED","message":"no"}]}"#)
            }
            switch exchange.method {
            case "POST": return ServerResponse(202, headers: [("Location", exchange.path + "u1")])
            case "PUT": return ServerResponse(201)
            default: return ServerResponse(204)
            }
        }
    }

    private static func request(_ host: String, _ verification: Verification) throws -> BuildRequest {
        var request = BuildRequest(context: .empty)
        request.dockerfile = .text(Array("FROM scratch\nCOPY <<E /e\nE\n".utf8), name: "Dockerfile")
        request.platforms = ["amd64", "arm64"].map { Platform(os: "linux", architecture: $0) }
        request.tags = [try ImageReference(parsing: "\(host)/team/app:1")]
        request.outputs = [.registry]
        request.verification = verification
        return request
    }

    private static func builder(_ scratch: Scratch, _ events: any EventSink) -> Builder {
        var environment = BuilderEnvironment(
            variables: ["DOCKER_CONFIG": scratch["docker"]],
            homeDirectory: scratch.path,
            workingDirectory: scratch.path
        )
        environment.cacheDirectory = scratch["cache"]
        return Builder(environment: environment, events: events)
    }

    private static func puts(_ server: ScriptedServer) -> [String] {
        server.requests.filter { $0.method == "PUT" && $0.target.contains("/manifests/") }
            .compactMap { $0.target.split(separator: "/").last.map(String.init) }
    }

    @Test(arguments: [Verification.manifests, .off])
    func theyWork(_ verification: Verification) async throws {
        let server = try Self.registry()
        defer { server.stop() }
        try await Scratch.with { scratch in
            let events = RecordedEvents()
            let request = try Self.request(server.authority, verification)
            _ = try await Self.builder(scratch, events).build(request)
            #expect(Self.puts(server).last == "1")
            let warnings = events.warnings.filter { $0.message.contains("could not be read back") }
            #expect(warnings.count == (verification == .off ? 0 : 1))
            #expect(warnings.allSatisfy { $0.hints.contains { $0.contains("--verify=off") } })
        }
    }

    @Test func whoAsksForEveryBlobIsToldAtOnce() async throws {
        let server = try Self.registry()
        defer { server.stop() }
        try await Scratch.with { scratch in
            let request = try Self.request(server.authority, .blobs)
            let error = await #expect(throws: BuildError.self) {
                try await Self.builder(scratch, SilentEvents()).build(request)
            }
            #expect(error?.code == .denied)
            #expect(error?.diagnostics.first?.hints.contains { $0.contains("--verify=off") } == true)
            #expect(server.requests.allSatisfy { $0.method != "POST" && $0.method != "PUT" })
        }
    }

    /// Before a layer is made.
    @Test func whoMayNotPushEitherIsRefused() async throws {
        let server = try Self.registry(takes: false)
        defer { server.stop() }
        try await Scratch.with { scratch in
            let events = RecordedEvents()
            let request = try Self.request(server.authority, .manifests)
            let error = await #expect(throws: BuildError.self) {
                try await Self.builder(scratch, events).build(request)
            }
            #expect(error?.code == .denied)
            #expect(error?.description.hasPrefix("cannot push to the repository: ") == true)
            #expect(!events.all.contains { if case .step = $0 { true } else { false } })
        }
    }

    @Test func aForecastDoesNotCallATagNew() async throws {
        let server = try Self.registry()
        defer { server.stop() }
        try await Scratch.with { scratch in
            let request = try Self.request(server.authority, .manifests)
            let forecast = try await Self.builder(scratch, SilentEvents()).forecast(request)
            #expect(forecast.tags.map(\.isReadable) == [false])
        }
    }
}
