import ImgTestKit
import Testing

/// `--load`: what a daemon of Docker makes of our archive.
@Suite struct LoadTests {
    @Test func dockerRunsWhatIsLoaded() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            try lab.scratch.write("context/greeting", "hello from the archive\n")
            try lab.scratch.write(
                "context/Dockerfile",
                "FROM \(lab.reference("base/busybox:1"))\nCOPY greeting /\nCMD [\"cat\", \"/greeting\"]\n"
            )
            let result = try await Program.run(
                "\(Project.root)/scripts/with-docker",
                [
                    "sh", "-c",
                    "\"$1\" --platform linux/amd64 -t load/test:1 --load context"
                        + " && docker run --rm --network host load/test:1",
                    "sh", Project.imgbuild,
                ],
                in: lab.scratch.path,
                environment: ["IMGBUILD_CACHE_DIR": lab.scratch["cache"], "HOME": lab.scratch.path]
            )
            #expect(result.status == 0, "\(result)")
            #expect(result.output.hasSuffix("hello from the archive\n"), "\(result)")
        }
    }

    @Test func whatCannotBeLoadedIsExplained() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            try lab.scratch.write("context/Dockerfile", "FROM \(lab.reference("base/busybox:1"))\n")
            let none = try await lab.imgbuild(
                ["--platform", "linux/amd64", "--load", "-t", "a:1", "context"],
                environment: ["PATH": "/nowhere"]
            )
            #expect(none.status == 1, "\(none)")
            #expect(none.errors.contains("cannot run docker"), "\(none)")
            let two = try await lab.imgbuild([
                "--platform", "linux/amd64,linux/arm64", "--load", "-t", "a:1", "context",
            ])
            #expect(two.status == 2, "\(two)")
            #expect(two.errors.contains("a docker archive holds one platform"), "\(two)")
        }
    }
}
