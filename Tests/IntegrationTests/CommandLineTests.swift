import ImgTestKit
import Testing

/// What flags do together, seen from outside.
@Suite struct CommandLineTests {
    /// Docker's recipe for several runners, and the same without the push.
    @Test func pushFalsePushesNothing() async throws {
        try await Lab.with { lab in
            let context = try lab.context()
            let recipe = "type=image,push-by-digest=true,name-canonical=true,name=\(lab.reference("app"))"
            let kept = try await lab.build(["-q", "-o", "\(recipe),push=false", context])
            let image = "docker://\(lab.reference("app"))@\(kept)"
            let before = try await Program.run("skopeo", ["inspect", "--raw", "--tls-verify=false", image])
            #expect(before.status != 0)
            let result = try await lab.imgbuild(["-o", "\(recipe),push=true", context])
            #expect(result.status == 0, "\(result)")
            #expect(result.errors.contains("name-canonical has no effect"))
            let pushed = try await lab.skopeo(["inspect", "--raw", "--tls-verify=false", image])
            #expect(try await Lab.digest(ofText: pushed) == kept)
            // By digest only.
            #expect(try await lab.exists("app:latest") == false)
        }
    }

    /// Lambda takes no index.
    @Test func aPlatformGivenTwiceIsAPlainManifest() async throws {
        try await Lab.with { lab in
            let platforms = ["--platform", "linux/amd64,linux/x86_64,linux/amd64"]
            try await lab.build(platforms + ["-t", lab.reference("twice:1"), "--push", try lab.context()])
            let manifest = try await lab.skopeo(
                ["inspect", "--raw", "--tls-verify=false", "docker://\(lab.reference("twice:1"))"]
            )
            #expect(manifest.contains("\"config\""))
            #expect(!manifest.contains("\"manifests\""))
        }
    }

    @Test func aDigestThatCannotBePrintedIsAFailure() async throws {
        try await Lab.with { lab in
            let command = "\(Project.imgbuild) -q --cache-dir \(lab.scratch["cache"]) \(try lab.context())"
            let full = try await Program.run("sh", ["-c", "\(command) >/dev/full"])
            #expect(full.status == 1, "\(full)")
            #expect(full.errors.contains("cannot write to standard output: No space left on device"))
            let fine = try await Program.run("sh", ["-c", "\(command) >/dev/null"])
            #expect(fine.status == 0, "\(fine)")
        }
    }

    @Test func programsGetTheFinalErrorAsJSON() async throws {
        try await Lab.with { lab in
            let result = try await lab.imgbuild(["--progress=rawjson", "--target", "nope", try lab.context()])
            #expect(result.status == 1)
            let line = try #require(result.errors.split(separator: "\n").last)
            #expect(
                line.hasPrefix(#"{"event":"error","status":1,"errors":[{"severity":"error","message":"target stage"#)
            )
        }
    }

    @Test func aMistypedBuildContextIsSuggested() async throws {
        try await Lab.with { lab in
            try lab.scratch.write("ctx/Dockerfile", "FROM scratch AS unused\nFROM scratch\nCOPY --from=files a /a\n")
            try lab.scratch.write("files/a", "a")
            let arguments = ["--build-context", "files=\(lab.scratch["files"])", "--build-context", "file=/tmp"]
            let result = try await lab.imgbuild(arguments + ["-o", "type=cacheonly", lab.scratch["ctx"]])
            #expect(result.status == 0, "\(result)")
            #expect(result.errors.contains("Build context 'file' is not used"), "\(result)")
            #expect(result.errors.contains("did you mean files?"))
            #expect(!result.errors.contains("Build context 'files' is not used"))
        }
    }

    /// Where sign-in goes wrong, requests are what one wants to see.
    @Test(arguments: [["inspect"], ["verify"], ["doctor"]])
    func everyCommandShowsItsRequests(_ command: [String]) async throws {
        try await Lab.with { lab in
            try await lab.build(["-q", "-t", lab.reference("seen:1"), "--push", try lab.context()])
            let result = try await lab.imgbuild(command + ["-D", lab.reference("seen:1")])
            #expect(result.errors.contains("debug: GET"), "\(result)")
        }
    }
}
