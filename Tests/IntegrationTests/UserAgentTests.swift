import ImgTestKit
import Testing

@Suite struct UserAgentTests {
    /// NET-2.
    @Test func everyRequestSaysWhoAsks() async throws {
        try await Lab.with { lab in
            let server = try ScriptedServer { _ in ServerResponse(404) }
            defer { server.stop() }
            _ = try await lab.imgbuild(["inspect", "\(server.authority)/app:1"])
            let names = server.requests.compactMap { $0["User-Agent"] }
            #expect(!names.isEmpty)
            #expect(names.allSatisfy { $0.hasPrefix("imgbuild/0.") && $0.contains(" (linux; ") }, "\(names)")
        }
    }
}
