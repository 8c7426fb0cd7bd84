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
}
