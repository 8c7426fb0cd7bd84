import ImgTestKit
import Testing

/// What goes wrong is said clearly, with a status of its own, and nothing is half published.
@Suite struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var dockerfile: String
        var status: Int32
        var says: [String]
    }

    static let cases = [
        Case(
            testDescription: "missing file",
            dockerfile: "FROM scratch\nCOPY nope /x\n",
            status: 1,
            says: ["\"/nope\": not found", "Dockerfile:2"]
        ),
        Case(
            testDescription: "unknown instruction",
            dockerfile: "FROM scratch\nCOYP a /x\n",
            status: 1,
            says: ["unknown instruction: COYP (did you mean COPY?)", "Dockerfile:2"]
        ),
        Case(
            testDescription: "RUN",
            dockerfile: "FROM scratch\nRUN make\n",
            status: 1,
            says: ["RUN is not supported", "Dockerfile:2"]
        ),
        Case(
            testDescription: "unreachable registry",
            dockerfile: "FROM 127.0.0.1:1/x\n",
            status: 5,
            says: ["127.0.0.1:1", "Dockerfile:1"]
        ),
        Case(
            testDescription: "missing base",
            dockerfile: "FROM REGISTRY/none:1\n",
            status: 4,
            says: ["none", "Dockerfile:1"]
        ),
    ]

    @Test(arguments: cases)
    func mistakesAreExplained(_ example: Case) async throws {
        try await Lab.with { lab in
            try lab.scratch.write("ctx/Dockerfile", example.dockerfile.replacing("REGISTRY", with: lab.registry.host))
            let result = try await lab.imgbuild(["-t", lab.reference("bad:1"), "--push", lab.scratch["ctx"]])
            #expect(result.status == example.status, "\(result)")
            for text in example.says { #expect(result.errors.contains(text), "\(result)") }
            #expect(try await lab.exists("bad:1") == false)
        }
    }

    /// PLT: a platform that the base doesn't have is an error that lists those it has.
    @Test func absentPlatformListsThoseThereAre() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            try lab.scratch.write("ctx/Dockerfile", "FROM \(lab.reference("base/busybox:1"))\n")
            let result = try await lab.imgbuild([
                "--platform", "linux/s390x", "-t", lab.reference("p:1"), "--push", lab.scratch["ctx"],
            ])
            #expect(result.status == 4)
            #expect(result.errors.contains("linux/s390x"))
            #expect(result.errors.contains("linux/amd64, linux/arm64"))
            #expect(try await lab.exists("p:1") == false)
        }
    }

    /// A single-platform base used for another platform is an error too.
    @Test func singlePlatformBaseForAnotherPlatform() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let single = lab.reference("single:1")
            try await Program.output(
                "skopeo",
                [
                    "copy", "--quiet", "--override-arch", "amd64", "--src-tls-verify=false", "--dest-tls-verify=false",
                    "docker://\(lab.reference("base/busybox:1"))", "docker://\(single)",
                ]
            )
            try lab.scratch.write("ctx/Dockerfile", "FROM \(single)\nLABEL a=b\n")
            let arguments = ["--platform", "linux/arm64", "-t", lab.reference("p:1"), "--push", lab.scratch["ctx"]]
            let result = try await lab.imgbuild(arguments)
            #expect(result.status == 1)
            #expect(result.errors.contains("linux/amd64 only, not for linux/arm64"), "\(result)")
            #expect(
                try await lab.imgbuild(arguments + ["--allow-platform-mismatch", "--platform-check=off"]).status == 0
            )
        }
    }

    /// PULL-10: what only some machines of the platform run is taken with leave and a warning, never without.
    @Test func anIndexOfLesserArchitectures() async throws {
        try await Lab.with(bases: []) { lab in
            let base = lab.reference("lesser:1")
            try lab.scratch.write("base/Dockerfile", "FROM scratch\nCOPY Dockerfile /f\n")
            let platforms = ["--platform", "linux/arm/v7,linux/386"]
            let made = try await lab.imgbuild(platforms + ["-t", base, "--push", lab.scratch["base"]])
            try #require(made.status == 0, "\(made)")
            try lab.scratch.write("ctx/Dockerfile", "FROM \(base)\nCOPY --from=\(base) /f /g\n")
            let image = lab.reference("p:1")
            let arguments = ["--platform", "linux/amd64,linux/arm64", "-t", image, "--push", lab.scratch["ctx"]]
            let refused = try await lab.imgbuild(arguments)
            #expect(refused.status == 4)
            #expect(refused.errors.contains("--allow-platform-mismatch takes the image for linux/"), "\(refused)")
            let result = try await lab.imgbuild(arguments + ["--allow-platform-mismatch"])
            #expect(result.status == 0, "\(result)")
            for (wanted, found) in [("amd64", "386"), ("arm64", "arm/v7")] {
                #expect(result.errors.contains("pulled with platform \"linux/\(found)\", expected \"linux/\(wanted)\""))
                #expect(result.errors.contains("lesser:1 is for linux/\(found), not for linux/\(wanted)"), "\(result)")
                let config = try await lab.skopeo([
                    "inspect", "--config", "--raw", "--tls-verify=false", "--override-arch", wanted,
                    "docker://\(image)",
                ])
                #expect(config.contains("\"architecture\":\"\(wanted)\""))
            }
        }
    }

    /// A blob is corrupt when it is not what its digest says.
    @Test func aCorruptBaseBlobStopsTheBuild() async throws {
        try await Lab.with(bases: ["debian"]) { lab in
            let blobs = "\(lab.registry.storage)/docker/registry/v2/blobs/sha256"
            let largest = try await Program.output("sh", ["-c", "find \(blobs) -name data -size +1M | head -n 1"])
            for path in try await Program.output("sh", ["-c", "find \(blobs) -name data -size +1M"])
                .split(separator: "\n")
            {
                try await Program.output(
                    "sh",
                    ["-c", "printf XXXX | dd of=\(path) bs=1 seek=500000 conv=notrunc status=none"]
                )
            }
            #expect(!largest.isEmpty)
            try lab.scratch.write("ctx/Dockerfile", "FROM \(lab.reference("base/debian:1"))\nCOPY f /bin/f\n")
            try lab.scratch.write("ctx/f", "x")
            let result = try await lab.imgbuild([
                "--platform", "linux/amd64", "-t", lab.reference("c:1"), "--push", lab.scratch["ctx"],
            ])
            #expect(result.status == 5, "\(result)")
            #expect(result.errors.contains("sha256:"), "\(result)")
            #expect(try await lab.exists("c:1") == false)
        }
    }

    @Test(arguments: [
        ["--no-such-flag", "."], [], ["--push", "."], ["--platform", "bogus", "."], ["-o", "type=zip", "."],
    ])
    func usageErrorsHaveStatusTwo(_ arguments: [String]) async throws {
        try await Scratch.with { scratch in
            let result = try await Program.run(Project.imgbuild, arguments, in: scratch.path)
            #expect(result.status == 2, "\(result)")
            #expect(!result.errors.isEmpty)
        }
    }

    @Test func versionIsPrinted() async throws {
        let words = try await Program.output(Project.imgbuild, ["--version"]).split(whereSeparator: \.isWhitespace)
        #expect(words.first == "imgbuild")
        #expect(words.count == 2 && words[1].first?.isNumber == true, "\(words)")
    }
}
