import ImgTestKit
import Testing

/// The file of another processor is found before anything is published, and what the error says puts it right.
@Suite struct PlatformCheckTests {
    static let programs = """
        mkdir -p bin/amd64 bin/arm64; echo 'void _start(void) { __builtin_trap(); }' >t.c
        clang --target=x86_64-linux-gnu -nostdlib -static -fuse-ld=lld -o bin/amd64/app t.c 2>/dev/null
        clang --target=aarch64-linux-gnu -nostdlib -static -fuse-ld=lld -o bin/arm64/app t.c 2>/dev/null
        cp bin/amd64/app app
        """

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The COPY stands on line 3.
        var dockerfile: String
        var arguments: [String] = []
        var cause: String
        var remedy: String
        /// The Dockerfile after the remedy was followed to the letter.
        var fixed: String
        var fixedArguments: [String] = []
    }

    static let cases = [
        Case(
            testDescription: "a default hides TARGETARCH",
            dockerfile: "FROM busybox\nARG TARGETARCH=amd64\nCOPY bin/${TARGETARCH}/app /app\n",
            cause: "ARG TARGETARCH=amd64 on line 2 has a default, which hides the platform that is built",
            remedy: "write ARG TARGETARCH on line 2, without a default",
            fixed: "FROM busybox\nARG TARGETARCH\nCOPY bin/${TARGETARCH}/app /app\n"
        ),
        Case(
            testDescription: "a build argument hides TARGETARCH",
            dockerfile: "FROM busybox\nARG TARGETARCH\nCOPY bin/$TARGETARCH/app /app\n",
            arguments: ["--build-arg", "TARGETARCH=amd64"],
            cause: "--build-arg TARGETARCH=amd64 hides the platform that is built",
            remedy: "leave out --build-arg TARGETARCH=amd64",
            fixed: "FROM busybox\nARG TARGETARCH\nCOPY bin/$TARGETARCH/app /app\n"
        ),
        Case(
            testDescription: "one path for all",
            dockerfile: "FROM busybox\nENV A=1\nCOPY bin/amd64/app /app\n",
            cause: "the path does not depend on the platform",
            remedy: "write ARG TARGETARCH and COPY bin/${TARGETARCH}/app /app instead of line 3",
            fixed: "FROM busybox\nENV A=1\nARG TARGETARCH\nCOPY bin/${TARGETARCH}/app /app\n"
        ),
        Case(
            testDescription: "the building machine's processor",
            dockerfile: "FROM busybox\nARG BUILDARCH\nCOPY bin/${BUILDARCH}/app /app\n",
            cause: "BUILDARCH is the machine that builds",
            remedy: "use TARGETARCH, after ARG TARGETARCH in this stage",
            fixed: "FROM busybox\nARG TARGETARCH\nCOPY bin/${TARGETARCH}/app /app\n"
        ),
        Case(
            testDescription: "not declared",
            dockerfile: "FROM busybox\nENV A=1\nCOPY bin/${TARGETARCH:-amd64}/app /app\n",
            cause: "this stage does not declare TARGETARCH",
            remedy: "add ARG TARGETARCH below line 1",
            fixed: "FROM busybox\nARG TARGETARCH\nENV A=1\nCOPY bin/${TARGETARCH:-amd64}/app /app\n"
        ),
        Case(
            testDescription: "meant to be there",
            dockerfile: "FROM busybox\nENV A=1\nCOPY app /app\n",
            cause: "the path does not depend on the platform",
            remedy: "the comment \"# imgbuild: platform-check-allow=/app\" in the Dockerfile",
            fixed: "# imgbuild: platform-check-allow=/app\nFROM busybox\nENV A=1\nCOPY app /app\n"
        ),
        Case(
            testDescription: "meant to be there, said on the command line",
            dockerfile: "FROM busybox\nENV A=1\nCOPY app /app\n",
            cause: "the path does not depend on the platform",
            remedy: "--platform-check-allow '/app'",
            fixed: "FROM busybox\nENV A=1\nCOPY app /app\n",
            fixedArguments: ["--platform-check-allow", "/app"]
        ),
        Case(
            testDescription: "a stage for the building machine",
            dockerfile:
                "FROM --platform=linux/amd64 debian AS tools\nFROM debian\nCOPY --from=tools /bin/ls /app\n",
            cause: "stage tools is FROM --platform=linux/amd64 on line 1",
            remedy: "remove --platform=linux/amd64 from line 1",
            fixed: "FROM debian AS tools\nFROM debian\nCOPY --from=tools /bin/ls /app\n"
        ),
    ]

    @Test(arguments: cases) func remedyPutsItRight(_ example: Case) async throws {
        try await StartLab.with { lab in
            try await lab.prepare(Self.programs)
            let platforms = "linux/amd64,linux/arm64"
            let result = try await lab.imgbuild(example.dockerfile, platforms: platforms, example.arguments)
            #expect(result.status == 1, "\(result)")
            for text in [
                "wrong-architecture", "Dockerfile:3", "/app is built for amd64", "linux/arm64", example.cause,
                example.remedy,
            ] {
                #expect(result.errors.contains(text), "\(text) is not in \(result)")
            }
            #expect(!(try await lab.hasLayout))
            let fixed = try await lab.imgbuild(
                example.fixed,
                platforms: platforms,
                example.fixedArguments + ["--platform-check=error"]
            )
            #expect(fixed.status == 0, "\(fixed)")
            #expect(!fixed.errors.contains("wrong-architecture"), "\(fixed)")
        }
    }

    @Test(arguments: ["# imgbuild: platform-check=warn\n", "#imgbuild:platform-check=off \n"])
    func commentsSoftenTheCheckAndTheCommandLineWins(_ comment: String) async throws {
        try await StartLab.with { lab in
            try await lab.prepare(Self.programs)
            let dockerfile = comment + "FROM busybox\nCOPY app /app\n"
            let soft = try await lab.imgbuild(dockerfile, platforms: "linux/arm64")
            #expect(soft.status == 0, "\(soft)")
            #expect(soft.errors.contains("wrong-architecture") == comment.contains("warn"))
            let hard = try await lab.imgbuild(dockerfile, platforms: "linux/arm64", ["--platform-check=error"])
            #expect(hard.status == 1, "\(hard)")
        }
    }

    @Test func misspeltCommentIsPointedOut() async throws {
        try await StartLab.with { lab in
            try await lab.prepare(Self.programs)
            let result = try await lab.imgbuild(
                "FROM busybox\n# imgbuild: platform-chek=off\nCOPY bin/amd64/app /app\n",
                platforms: "linux/amd64"
            )
            #expect(result.status == 0, "\(result)")
            #expect(result.errors.contains("Dockerfile:2"), "\(result)")
            #expect(result.errors.contains("did you mean platform-check?"), "\(result)")
        }
    }

    /// A layer from the cache was looked at when it was made, whatever was asked then.
    @Test func cachedLayersAreCheckedToo() async throws {
        try await StartLab.with { lab in
            try await lab.prepare(Self.programs)
            let dockerfile = "FROM busybox\nCOPY app /app\nCMD [\"/app\"]\n"
            let off = ["--platform-check=off", "--start-check=off", "--secret-check=off"]
            let unchecked = try await lab.imgbuild(dockerfile, platforms: "linux/arm64", off)
            #expect(unchecked.status == 0, "\(unchecked)")
            #expect(unchecked.errors.contains("checks: off"), "\(unchecked)")
            let result = try await lab.imgbuild(dockerfile, platforms: "linux/arm64")
            #expect(result.status == 1, "\(result)")
            #expect(result.errors.contains("wrong-architecture"), "\(result)")
            #expect(!result.errors.contains("exec-format"), "\(result)")
        }
    }

    @Test func manyWrongFilesAreOneMistake() async throws {
        try await StartLab.with { lab in
            try await lab.prepare(Self.programs + "\nmkdir many; for n in $(seq 40); do cp app many/$n; done")
            let result = try await lab.imgbuild("FROM busybox\nCOPY many /many/\n", platforms: "linux/arm64")
            #expect(result.status == 1)
            #expect(result.errors.contains("and 35 more files of this instruction"), "\(result)")
        }
    }
}

extension StartLab {
    fileprivate var hasLayout: Bool {
        get async throws { try await Program.run("test", ["-e", scratch["layout/index.json"]]).status == 0 }
    }
}
