import ImgTestKit
import Testing

/// An image on its way to where it cannot run is pointed out, and what is said puts it right.
@Suite struct ConsumerTests {
    @Test func fargateNeedsItsDefaultPlatform() async throws {
        try await StartLab.with { lab in
            let dockerfile = "FROM busybox\nCMD [\"true\"]\n"
            #expect(try await lab.imgbuild(dockerfile, platforms: "linux/arm64").status == 0)
            let verify = ["verify", "--for", "fargate", "oci-layout://\(lab.scratch["layout"]):1"]
            let environment = ["IMGBUILD_CACHE_DIR": lab.scratch["cache"]]
            let result = try await Program.run(Project.imgbuild, verify, environment: environment)
            #expect(result.status == 1)
            #expect(result.output.contains("default-platform-missing"), "\(result)")
            #expect(result.output.contains("--platform linux/amd64,linux/arm64"), "\(result)")
            try await Program.output("rm", ["-r", lab.scratch["layout"]])
            #expect(try await lab.imgbuild(dockerfile, platforms: "linux/amd64,linux/arm64").status == 0)
            let fixed = try await Program.run(Project.imgbuild, verify, environment: environment)
            #expect(fixed.status == 0, "\(fixed)")
        }
    }

    /// The registry answers to ECR's name.
    @Test func pushOfOneOtherPlatformToECRIsMentioned() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
            let server = "http://\(lab.registry.host)"
            try lab.scratch.write(
                "hosts/\(host)/hosts.toml",
                "server = \"\(server)\"\n[host.\"\(server)\"]\n  capabilities = [\"pull\", \"resolve\", \"push\"]\n"
            )
            try lab.scratch.write("docker/config.json", "{\"auths\":{\"\(host)\":{\"auth\":\"QVdTOnB3\"}}}")
            try lab.scratch.write("context/Dockerfile", "FROM \(lab.reference("base/busybox:1"))\n")
            for (platform, isMentioned) in [
                ("linux/arm64", true), ("linux/amd64,linux/arm64", false), ("linux/amd64", false),
            ] {
                let result = try await lab.imgbuild([
                    "--registry-config-dir", lab.scratch["hosts"], "--platform", platform, "-t", "\(host)/app:1",
                    "--push", lab.scratch["context"],
                ])
                #expect(result.status == 0, "\(result)")
                #expect(result.errors.contains("default-platform-missing") == isMentioned, "\(platform) \(result)")
            }
        }
    }

    // MARK: - Builds

    /// Pushes an image of two layers; what was sent is seen in the requests.
    private static func push(_ lab: Lab, _ arguments: [String]) async throws -> (result: ProgramResult, uploads: Int) {
        let result = try await lab.imgbuild(
            ["--debug", "-t", lab.reference("app:1"), "--push"] + arguments + [lab.scratch["context"]]
        )
        return (result, result.errors.split(separator: "\n").count { $0.contains("/blobs/uploads/") })
    }

    private static func with(_ body: @Sendable @escaping (Lab) async throws -> Void) async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            try lab.scratch.write("context/page", "hello\n")
            try lab.scratch.write(
                "context/Dockerfile",
                "FROM \(lab.reference("base/busybox:1"))\nCOPY page /srv/\nCMD [\"true\"]\n"
            )
            try await body(lab)
        }
    }

    /// The words that follow a marker in an error, as a user would copy them.
    private static func words(after marker: String, _ count: Int, in text: String) throws -> [String] {
        let found = try #require(text.firstRange(of: marker), "no \(marker) in \(text)")
        return text[found.upperBound...].split(whereSeparator: \.isWhitespace).prefix(count)
            .map { $0.hasSuffix(",") ? String($0.dropLast()) : String($0) }
    }

    /// The tutorial's mistake, an image pushed from an arm64 machine; what the error says is done to the letter.
    @Test func fargateRefusesBeforeAnythingIsSent() async throws {
        try await Self.with { lab in
            let (wrong, uploads) = try await Self.push(lab, ["--platform", "linux/arm64", "--for", "fargate"])
            #expect(wrong.status == 1, "\(wrong)")
            #expect(wrong.errors.contains("default-platform-missing"), "\(wrong)")
            #expect(wrong.errors.contains("https://docs.aws.amazon.com/"), "\(wrong)")
            #expect(uploads == 0)
            #expect(!(try await lab.exists("app:1")))
            let remedy = try Self.words(after: "build with ", 2, in: wrong.errors)
            let (fixed, sent) = try await Self.push(lab, remedy + ["--for", "fargate"])
            #expect(fixed.status == 0, "\(remedy) \(fixed)")
            #expect(sent > 0)
            #expect(try await lab.exists("app:1"))
            let verified = try await lab.imgbuild(["verify", "--for", "fargate", lab.reference("app:1")])
            #expect(verified.status == 0, "\(verified)")
        }
    }

    @Test(
        arguments: [
            ("lambda", ["--platform", "linux/amd64,linux/arm64"], "index-not-supported"),
            ("lambda-arm64", ["--platform", "linux/amd64"], "default-platform-missing"),
            ("lambda", ["--platform", "linux/amd64"], nil), ("fargate,docker20", ["--platform", "linux/amd64"], nil),
        ] as [(String, [String], String?)]
    )
    func verdictsOfBuildAndVerifyAgree(_ consumers: String, _ arguments: [String], _ rule: String?) async throws {
        try await Self.with { lab in
            let (built, uploads) = try await Self.push(lab, arguments + ["--for", consumers])
            #expect(built.status == (rule == nil ? 0 : 1), "\(built)")
            #expect(try await lab.exists("app:1") == (rule == nil))
            if let rule {
                #expect(built.errors.contains(rule), "\(built)")
                #expect(uploads == 0)
                #expect(try await Self.push(lab, arguments).result.status == 0)
            }
            let verified = try await lab.imgbuild(["verify", "--for", consumers, lab.reference("app:1")])
            #expect(verified.status == (rule == nil ? 0 : 1), "\(verified)")
            if let rule { #expect(verified.output.contains(rule), "\(verified)") }
        }
    }

    /// What is only a warning does not stop a push.
    @Test func compressionIsKnownBeforeTheBuild() async throws {
        try await Self.with { lab in
            let output = ["--platform", "linux/amd64", "--output", "type=registry,compression=zstd"]
            let (refused, uploads) = try await Self.push(lab, output + ["--for", "docker20"])
            #expect(refused.status == 1, "\(refused)")
            #expect(refused.errors.contains("compression-not-supported"), "\(refused)")
            #expect(uploads == 0)
            let (warned, _) = try await Self.push(lab, output + ["--for", "fargate"])
            #expect(warned.status == 0, "\(warned)")
            #expect(warned.errors.contains("mixed-compression"), "\(warned)")
        }
    }

    @Test func anUnknownConsumerIsAUsageErrorWithASuggestion() async throws {
        try await Self.with { lab in
            let (result, _) = try await Self.push(lab, ["--for", "fargat"])
            #expect(result.status == 2, "\(result)")
            #expect(result.errors.contains("did you mean fargate?"), "\(result)")
        }
    }
}
