import ImgTestKit
import Testing

/// A mistake is reported at once, however slow the registry on the other side is.
@Suite struct SlowRegistryTests {
    private static func result(_ lab: Lab, _ arguments: [String]) async throws -> (ProgramResult, Duration) {
        let start = ContinuousClock.now
        let result = try await lab.imgbuild(["--platform", "linux/amd64"] + arguments + [lab.scratch["ctx"]])
        return (result, ContinuousClock.now - start)
    }

    @Test func aWrongCopyDoesNotWaitForThePush() async throws {
        try await Lab.with { lab in
            let silent = try ScriptedServer { exchange in
                _ = exchange.waitForClose(seconds: 20)
                return nil
            }
            defer { silent.stop() }
            try lab.scratch.write("ctx/Dockerfile", "FROM scratch\nCOPY missing /\n")
            let (result, time) = try await Self.result(lab, ["-t", "\(silent.authority)/app:1", "--push"])
            #expect(result.status == 1, "\(result)")
            #expect(result.errors.contains("\"/missing\": not found"), "\(result)")
            #expect(time < .seconds(5))
        }
    }

    /// The base's manifests come, its layer does not.
    @Test func aRefusedPushDoesNotWaitForTheBase() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let upstream = Upstream(lab.registry.host)
            let slow = try ScriptedServer { exchange in
                let response = try upstream.forward(exchange)
                guard exchange.method == "GET", response.body.count > 100_000 else { return response }
                _ = exchange.waitForClose(seconds: 20)
                return nil
            }
            defer { slow.stop() }
            let refusing = try ScriptedServer { exchange in
                exchange.path == "/v2/" ? ServerResponse(200, text: "{}") : ServerResponse(403, text: "{}")
            }
            defer { refusing.stop() }
            try lab.scratch.write("ctx/f", "x")
            try lab.scratch.write("ctx/Dockerfile", "FROM \(slow.authority)/base/busybox:1\nCOPY f /bin/\n")
            let (result, time) = try await Self.result(lab, ["-t", "\(refusing.authority)/app:1", "--push"])
            #expect(result.status == 3, "\(result)")
            #expect(result.errors.contains(refusing.authority), "\(result)")
            #expect(time < .seconds(5))
        }
    }
}
