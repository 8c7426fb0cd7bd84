import ImgTestKit
import Testing

/// What a check rejects is not sent, let alone published.
@Suite struct UploadGateTests {
    private static func push(_ lab: Lab, _ dockerfile: String, _ arguments: [String]) async throws -> ProgramResult {
        try lab.scratch.write("context/Dockerfile", dockerfile)
        return try await lab.imgbuild(
            ["--debug", "-t", lab.reference("app:1"), "--push"] + arguments + [lab.scratch["context"]]
        )
    }

    private static func uploads(_ result: ProgramResult) -> Int {
        result.errors.split(separator: "\n").count { $0.contains("/blobs/uploads/") }
    }

    private static func prepare(_ lab: Lab) async throws {
        try lab.scratch.write("context/page", "hello\n")
        try await Program.output("sh", ["-ec", PlatformCheckTests.programs], in: lab.scratch["context"])
    }

    @Test(arguments: ["linux/arm64", "linux/amd64,linux/arm64"])
    func filesForOtherProcessors(_ platforms: String) async throws {
        try await Lab.with { lab in
            try await Self.prepare(lab)
            let dockerfile = "FROM scratch\nARG TARGETARCH=amd64\nCOPY bin/${TARGETARCH}/app /app\nCMD [\"/app\"]\n"
            let wrong = try await Self.push(lab, dockerfile, ["--platform", platforms])
            #expect(wrong.status == 1, "\(wrong)")
            #expect(wrong.errors.contains("wrong-architecture"), "\(wrong)")
            #expect(Self.uploads(wrong) == 0, "\(wrong)")
            #expect(!(try await lab.exists("app:1")))
            let fixed = try await Self.push(
                lab,
                dockerfile.replacing("TARGETARCH=amd64", with: "TARGETARCH"),
                ["--platform", platforms]
            )
            #expect(fixed.status == 0, "\(fixed)")
            #expect(Self.uploads(fixed) > 0)
        }
    }

    @Test func aStartThatIsSureToFail() async throws {
        try await Lab.with { lab in
            try await Self.prepare(lab)
            let dockerfile = "FROM scratch\nCOPY page /page\nCOPY page /srv/\nCMD [\"/page\"]\n"
            let strict = ["--platform", "linux/amd64", "--start-check=error"]
            let wrong = try await Self.push(lab, dockerfile, strict)
            #expect(wrong.status == 1, "\(wrong)")
            #expect(Self.uploads(wrong) == 0, "\(wrong)")
            #expect(!(try await lab.exists("app:1")))
            let comment = try await Self.push(
                lab,
                "# imgbuild: start-check=error\n" + dockerfile,
                Array(strict.dropLast())
            )
            #expect(comment.status == 1, "\(comment)")
            #expect(Self.uploads(comment) == 0, "\(comment)")
            let warned = try await Self.push(lab, dockerfile, Array(strict.dropLast()))
            #expect(warned.status == 0, "\(warned)")
            let sound = "FROM scratch\nCOPY bin/amd64/app /app\nCMD [\"/app\"]\n"
            #expect(try await Self.push(lab, sound, strict).status == 0)
            #expect(try await lab.exists("app:1"))
        }
    }
}
