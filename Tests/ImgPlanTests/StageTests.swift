import ImgOCI
import ImgPlan
import ImgReport
import Testing

@Suite("Stages and bases")
struct StageTests {
    @Test func onlyReachedStagesAreThere() throws {
        let text = """
            FROM nosuch/x AS unused
            COPY --chmod=9 zz /
            RUN make
            FROM scratch AS a
            COPY a /a
            FROM a AS b
            FROM scratch AS later
            FROM b
            COPY --from=A /a /b
            COPY --from=1 /a /c
            """
        let (plan, asked) = try Planning(text).plan()
        #expect(asked.isEmpty)
        let stages = plan.platforms[0].stages
        #expect(stages.map(\.index) == [1, 2, 4])
        #expect(stages.map(\.base) == [.scratch, .stage(0), .stage(1)])
        #expect(stages[2].copies.map(\.from) == [.stage(0), .stage(0)])
        #expect(plan.platforms[0].target == 2)
        #expect(plan.platforms[0].lineage(of: 2).map(\.index) == [1, 2, 4])
    }

    @Test func namesMeanTheNearestEarlierStage() throws {
        let twice = "FROM scratch AS dup\nCOPY f /1\nFROM scratch AS dup\nCOPY f /2\nFROM scratch\nCOPY --from=dup / /"
        #expect(try Planning(twice).plan().plan.platforms[0].stages.map(\.index) == [1, 2])
        let scratch = "FROM scratch AS scratch\nCOPY a /a\nFROM scratch"
        #expect(try Planning(scratch).target().base == .stage(0))
        let alpine = "FROM plain AS plain\nFROM plain"
        #expect(try Planning(alpine).target().base == .stage(0))
    }

    @Test func copyFromScratchIsAnEmptyStage() throws {
        let platform = try Planning("FROM plain\nCOPY --from=scratch / /x/").plan().plan.platforms[0]
        #expect(platform.stages.map(\.base).first == .scratch)
        #expect(platform.stages[platform.target].copies[0].from == .stage(0))
    }

    @Test func imagesAreAskedForOncePerPlatform() throws {
        let text = "FROM --platform=$BUILDPLATFORM plain AS b\nFROM plain\nCOPY --from=b / /\nCOPY --from=full /x /y"
        let (plan, asked) = try Planning(text) {
            $0.platforms = [Platform(os: "linux", architecture: "amd64"), Platform(os: "linux", architecture: "arm64")]
        }
        .plan()
        #expect(asked.count == 1)
        #expect(
            asked[0].map { "\($0.source) \($0.platform)" }.sorted() == [
                "full:latest linux/amd64", "full:latest linux/arm64", "plain:latest linux/amd64",
                "plain:latest linux/arm64",
            ]
        )
        #expect(plan.platforms.map { $0.stages[$0.target].config.platform.architecture } == ["amd64", "arm64"])
    }

    @Test(arguments: ["linux/arm64/v8", "linux/aarch64", "Linux/ARM64"])
    func platformsOfContextsAreNormalised(_ spelling: String) throws {
        let platform = try Planning("FROM plain") {
            $0.namedContexts = ["plain::\(spelling)": .scratch, "plain": .directory("/other")]
            $0.platforms = [Platform(os: "linux", architecture: "arm64")]
        }
        .plan().plan.platforms[0]
        #expect(platform.stages.map(\.base) == [.scratch])
    }

    @Test func foreignBasesOfTheImageAreWarnedOf() throws {
        let text = "FROM --platform=$BUILDPLATFORM plain AS tools\nFROM tools AS mid\nFROM mid"
        let both = ["amd64", "arm64"].map { Platform(os: "linux", architecture: $0) }
        let warning =
            "The image for linux/amd64 is built on plain:latest for linux/arm64: its programs will not run there (line 1)"
        #expect(try Planning(text) { $0.platforms = both }.findings() == [warning])
        #expect(try Planning(text) { $0.platforms = both.reversed() }.findings() == [warning])
        #expect(try Planning(text) { $0.platforms = [both[1]] }.findings().isEmpty)
        // Tools of the builder's platform are what the flag is for.
        #expect(try Planning("\(text) AS x\nFROM plain\nCOPY --from=x / /").findings().isEmpty)
    }

    /// PULL-10: what another platform's image is taken for is said of each platform and each instruction.
    @Test func imagesOfAnotherPlatformAreWarnedOf() throws {
        let both = ["amd64", "arm64"].map { Platform(os: "linux", architecture: $0) }
        var planning = try Planning("FROM plain\nCOPY --from=full /x /x") { $0.platforms = both }
        planning.foundPlatform = Platform(os: "linux", architecture: "arm", variant: "v7")
        let rule = "InvalidBaseImagePlatform: Base image plain:latest was pulled with platform \"linux/arm/v7\""
        #expect(
            try planning.findings() == [
                "\(rule), expected \"linux/amd64\" for current build (line 1)",
                "\(rule), expected \"linux/arm64\" for current build (line 1)",
                "full:latest is for linux/arm/v7, not for linux/amd64: its programs may not run there (line 2)",
                "full:latest is for linux/arm/v7, not for linux/arm64: its programs may not run there (line 2)",
            ]
        )
        planning.foundPlatform = both[1]
        planning.inputs.platforms = [both[1]]
        #expect(try planning.findings().isEmpty)
        // As BuildKit's linter: the first platform, and FROM alone.
        planning.inputs.platforms = both
        planning.inputs.purpose = .check
        planning.foundPlatform = Platform(os: "linux", architecture: "s390x")
        #expect(try planning.findings().map { String($0.suffix(8)) } == ["(line 1)"])
    }

    @Test func targetIgnoresCase() throws {
        let text = "FROM scratch AS Build\nLABEL a=1\nFROM nosuch/x"
        #expect(try Planning(text) { $0.target = "BUILD" }.target().name == "build")
    }

    @Test func baseConfigIsTakenOver() throws {
        let config = try Planning("FROM full\nWORKDIR x").target().config
        #expect(config.config.workingDir == "/work/x")
        #expect(config.config.user == "alice")
        #expect(config.config.labels == ["keep": "yes"])
        #expect(config.author == "somebody")
        #expect(config.created == nil)
        #expect(config.config.extra["Novel"] == .bool(true))
        #expect(config.config.extra["Hostname"] == nil)
        #expect(config.extra["moby.buildkit.novel"] == .integer(1))
        #expect(config.extra["docker_version"] == nil)
        #expect(config.history.count == 1 && config.diffIDs.count == 1)
    }

    /// A relative directory of a base is taken from the root (CFG-2).
    @Test(arguments: ["FROM full", "FROM full\nWORKDIR $NONE", "FROM full AS a\nFROM a"])
    func baseDirectoryIsAbsolute(_ text: String) throws {
        let stage = try Planning(text).target()
        #expect(stage.config.config.workingDir == "/work")
        #expect(stage.texts.allSatisfy { $0 == "WORKDIR /work" })
    }

    /// Settings of the builder have a value that no word sees (ARG-13).
    @Test func builderSettingsAreNoVariables() throws {
        let name = "BUILDKIT_SBOM_SCAN_STAGE"
        let text =
            "ARG \(name)=g\nFROM scratch AS a\nARG \(name)=1\nLABEL a=[$\(name)]\nFROM a\nARG \(name)\nLABEL b=[$\(name)]"
        let plain = try Planning(text).target()
        #expect(plain.labels == ["a": "[]", "b": "[]"])
        let given = try Planning("FROM scratch\nARG \(name)=1\nLABEL a=[$\(name)]") { $0.buildArgs = [name: "q"] }
            .target()
        #expect(given.labels == ["a": "[]"])
        #expect(given.texts.first == "(ARG \(name)=q)")
    }

    @Test func scratchHasAWorkingDirectory() throws {
        #expect(try Planning("FROM scratch").target().config.config.workingDir == "/")
        #expect(try Planning("FROM plain").target().config.config.workingDir == "")
    }

    @Test(
        arguments: [
            ("FROM plain\nCMD [\"c\"]\nENTRYPOINT [\"e\"]", ["c"], ["e"]),
            ("FROM plain\nENTRYPOINT [\"e\"]", nil, ["e"]),
            ("FROM plain AS b\nCMD [\"c\"]\nFROM b\nENTRYPOINT [\"e\"]", nil, ["e"]),
            ("FROM full\nCMD []", nil, ["/entry"]),
            ("FROM full\nENTRYPOINT []\nCMD a b", ["/bin/dash", "-c", "a b"], nil),
        ] as [(String, [String]?, [String]?)]
    )
    func commands(_ text: String, _ cmd: [String]?, _ entrypoint: [String]?) throws {
        let config = try Planning(text).target().config.config
        #expect(config.cmd == cmd)
        #expect(config.entrypoint == entrypoint)
    }

    // MARK: Platforms

    @Test(
        arguments: [
            ("linux/arm64", "linux/arm64"), ("linux/arm/v6", "linux/arm/v6"), ("linux/arm", "linux/arm/v7"),
            (nil, "linux/arm64"),
        ] as [(String?, String)]
    )
    func platformOfTheResult(_ requested: String?, _ expected: String) throws {
        let stage = try Planning("FROM --platform=linux/s390x scratch") { inputs in
            inputs.platforms = requested.flatMap { try? Platform(parsing: $0) }.map { [$0] } ?? []
        }
        .target()
        #expect(stage.config.platform.description == expected)
    }

    @Test func requestedPlatformWinsOverTheBase() throws {
        let stage = try Planning("FROM --platform=linux/arm64 plain").target()
        #expect(stage.config.platform.description == "linux/amd64")
        guard case .image(let request) = stage.base else { throw BuildError("no image") }
        #expect(request.platform.description == "linux/arm64")
        let kept = try Planning("FROM --platform=linux/s390x plain") { $0.platforms = [] }.target()
        #expect(kept.config.platform.description == "linux/s390x")
    }
}

@Suite("Named contexts")
struct NamedContextTests {
    @Test func replacesImagesAndStages() throws {
        let directory = NamedContext.directory("/d")
        let base = try Planning("FROM alpine:3\nCOPY --chown=bob a /") { $0.namedContexts = ["alpine:3": directory] }
        #expect(try base.target().base == .context(directory))
        let image = try Planning("FROM alpine") {
            $0.namedContexts = ["docker.io/library/alpine:latest": .image("plain")]
        }
        #expect(try image.plan().asked[0].map { "\($0.source)" } == ["plain:latest"])
        let stage = try Planning("FROM nosuch/x AS deps\nRUN x\nFROM scratch\nCOPY --from=deps / /") {
            $0.namedContexts = ["deps": directory]
        }
        #expect(try stage.target().copies[0].from == .named(directory))
        let replaced = try Planning("FROM nosuch/x AS deps\nRUN x\nFROM deps\nLABEL a=1") {
            $0.namedContexts = ["deps": .image("plain")]
        }
        #expect(try replaced.target().config.config.cmd == ["/bin/sh"])
        let platform = try Planning("FROM alpine") {
            $0.namedContexts = ["alpine": .scratch, "alpine::linux/amd64": .image("plain")]
        }
        #expect(try platform.plan().asked.count == 1)
        let empty = try Planning("FROM alpine") { $0.namedContexts = ["alpine": .scratch] }
        #expect(try empty.target().base == .scratch)
    }

    @Test(
        arguments: [
            ("docker-image://alpine:3", NamedContext.image("alpine:3")),
            ("docker-image://scratch", .scratch),
            ("oci-layout://./l:3.1", .ociLayout(path: "./l", tag: "3.1", digest: nil)),
            ("oci-layout:///a:b/l", .ociLayout(path: "/a:b/l", tag: nil, digest: nil)),
            ("oci-layout://l@\(Planning.digest)", .ociLayout(path: "l", tag: nil, digest: Planning.digest)),
            ("https://h/r.git", .git(GitReference(remote: "https://h/r.git"))),
            ("../dir", .directory("../dir")),
        ]
    )
    func value(_ text: String, _ context: NamedContext) throws {
        #expect(try NamedContext(parsing: text) == context)
    }

    @Test func unsupportedKindsAreRefused() {
        #expect(throws: BuildError.self) { try NamedContext(parsing: "https://h/file.tar") }
    }
}
