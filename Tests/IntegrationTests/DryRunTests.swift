import ImgTestKit
import Testing

/// `--dry-run`: what it says is what the build then does, and nothing is done for it.
@Suite struct DryRunTests {
    private static let platforms = ["--platform", "linux/amd64,linux/arm64"]

    /// A context of one file for all platforms, and one for each.
    private static func with(_ body: @Sendable @escaping (Lab) async throws -> Void) async throws {
        try await Lab.with(bases: ["nginx"]) { lab in
            try lab.scratch.write("context/index.html", "hello\n")
            try lab.scratch.write("context/amd64", "1")
            try lab.scratch.write("context/arm64", "2")
            try lab.scratch.write(
                "context/Dockerfile",
                """
                FROM \(lab.reference("base/nginx:1"))
                ARG TARGETARCH
                COPY index.html /usr/share/nginx/html/
                COPY ${TARGETARCH} /built-for
                """
            )
            try await body(lab)
        }
    }

    private static func arguments(_ lab: Lab, _ options: [String]) -> [String] {
        ["--debug"] + platforms + ["-t", lab.reference("dry/app:1"), "--push"] + options + [lab.scratch["context"]]
    }

    private static func requests(_ method: String, _ result: ProgramResult) -> Int {
        result.errors.split(separator: "\n").count { $0.contains(" \(method) ") }
    }

    @Test func itSaysWhatTheBuildThenDoes() async throws {
        try await Self.with { lab in
            let forecast = try await lab.imgbuild(Self.arguments(lab, ["--dry-run"]))
            #expect(forecast.status == 0, "\(forecast)")
            #expect(Self.requests("HEAD", forecast) > 0, "\(forecast)")
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                #expect(Self.requests(method, forecast) == 0, "\(forecast)")
            }
            let lines = forecast.output.split(separator: "\n").map(String.init)
            #expect(lines.filter { $0.hasPrefix("linux/") } == ["linux/amd64", "linux/arm64"])
            #expect(lines.count { $0.contains("base") && $0.contains("mount from base/nginx") } == 6)
            #expect(lines.count { $0.contains("to be made   upload") && $0.contains("COPY") } == 4)
            #expect(
                lines.suffix(2) == [
                    "\(lab.reference("dry/app:1")) is new",
                    "\(lab.reference("dry/app")): 3 layers of 8 B to make, compress and send",
                ]
            )
            #expect(try await !lab.exists("dry/app:1"))

            let built = try await lab.imgbuild(Self.arguments(lab, []))
            #expect(built.status == 0, "\(built)")
            #expect(built.errors.split(separator: "\n").count { $0.hasSuffix(": mounted from base/nginx") } == 5)

            let digest = try await lab.digest(of: lab.reference("dry/app:1"))
            let again = try await lab.imgbuild(Self.arguments(lab, ["--dry-run"]))
            let after = again.output.split(separator: "\n").map(String.init)
            #expect(after.count { $0.contains("cached   exists") && $0.contains("COPY") } == 4, "\(again)")
            #expect(
                after.suffix(2) == [
                    "\(lab.reference("dry/app:1")) points to \(digest) now",
                    "\(lab.reference("dry/app")): no layer to send",
                ]
            )
        }
    }

    @Test func whatWouldStopTheBuildStopsIt() async throws {
        try await Self.with { lab in
            try lab.scratch.write("context/Dockerfile", "FROM scratch\nCOPY missing /\n")
            let missing = try await lab.imgbuild(Self.arguments(lab, ["--dry-run"]))
            #expect(missing.status == 1)
            #expect(missing.errors.contains("Dockerfile:2"), "\(missing)")
            try lab.scratch.write("context/Dockerfile", "FROM scratch\nCOPY amd64 /\n")
            let closed = try await lab.imgbuild(
                ["--dry-run", "-t", "127.0.0.1:1/app:1", "--push", lab.scratch["context"]]
            )
            #expect(closed.status != 0)
            #expect(closed.errors.contains("127.0.0.1:1"), "\(closed)")
        }
    }

    /// Docker mounts at most 127 layers.
    @Test func tooManyLayersAreRefusedBeforeAnythingIsMade() async throws {
        try await Self.with { lab in
            func build(_ count: Int) async throws -> ProgramResult {
                let copies = String(repeating: "COPY amd64 /\n", count: count)
                try lab.scratch.write("context/Dockerfile", "FROM scratch\n" + copies)
                return try await lab.imgbuild(["-t", lab.reference("deep/app:1"), "--push", lab.scratch["context"]])
            }
            let refused = try await build(128)
            #expect(refused.status == 6)
            #expect(refused.errors.contains("128 layers") && refused.errors.contains("at most 127"), "\(refused)")
            let warned = try await build(127)
            #expect(warned.status == 0)
            #expect(warned.errors.contains("has 127 layers"), "\(warned)")
        }
    }

    /// An account that may only read: found before a large layer is made.
    @Test func pushesThatAreNotAllowedEndEarly() async throws {
        try await Self.with { lab in
            let server = try ScriptedServer { exchange in
                guard exchange.method == "POST" else { return ServerResponse(exchange.path == "/v2/" ? 200 : 404) }
                let body = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"read only\"}]}"
                return ServerResponse(403, headers: [("Content-Type", "application/json")], text: body)
            }
            try lab.scratch.write("context/Dockerfile", "FROM scratch\nCOPY large /\n")
            try await Program.output("truncate", ["-s", "300M", lab.scratch["context/large"]])
            let result = try await lab.imgbuild(
                ["-t", "\(server.authority)/app:1", "--push", lab.scratch["context"]]
            )
            #expect(result.status == 3, "\(result)")
            #expect(result.errors.contains("access denied") && result.errors.contains("read only"), "\(result)")
            // A layer that was made would have been asked for.
            #expect(!server.requests.contains { $0.target.contains("/blobs/sha256:") })
        }
    }

    @Test func resultFilesAreRefused() async throws {
        try await Self.with { lab in
            for option in ["--iidfile", "--metadata-file"] {
                let result = try await lab.imgbuild(Self.arguments(lab, ["--dry-run", option, lab.scratch["file"]]))
                #expect(result.status == 2, "\(result)")
            }
        }
    }
}
