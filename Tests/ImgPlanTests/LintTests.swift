import ImgDockerfile
import ImgOCI
import ImgPlan
import ImgReport
import Testing

@Suite("Lint")
struct LintTests {
    static let rows: [(String, [String])] = [
        (
            "FROM scratch\ncopy a /",
            [
                "ConsistentInstructionCasing: Command 'copy' should match the case of the command majority (uppercase) (line 2)"
            ]
        ),
        (
            "from scratch\nCopy a /\ncopy b /",
            [
                "ConsistentInstructionCasing: Command 'Copy' should match the case of the command majority (lowercase) (line 2)"
            ]
        ),
        (
            "FROM scratch AS x\nFROM scratch AS x",
            ["DuplicateStageName: Duplicate stage name \"x\", stage names should be unique (line 2)"]
        ),
        (
            "FROM scratch\nEXPOSE 080:80 80/TCP",
            [
                "ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '080:80' (line 2)",
                "ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase (line 2)",
            ]
        ),
        ("FROM scratch as x", ["FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)"]),
        (
            "FROM --platform=linux/amd64 plain",
            [
                "FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value \"linux/amd64\" (line 1)"
            ]
        ),
        ("FROM --platform=linux/amd64 plain AS x-amd64", []),
        (
            "ARG TAG\nFROM plain:$TAG",
            [
                "InvalidDefaultArgInFrom: Default value for ARG plain:$TAG results in empty or invalid base image name (line 2)"
            ]
        ),
        (
            "FROM scratch\nCMD run",
            [
                "JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals (line 2)"
            ]
        ),
        ("FROM scratch\nSHELL [\"/bin/bash\"]\nCMD run", []),
        (
            "FROM scratch\nENV a b",
            [
                "LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format (line 2)"
            ]
        ),
        (
            "FROM scratch\nMAINTAINER me",
            ["MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)"]
        ),
        (
            "FROM scratch\nCMD [\"a\"]\nCMD [\"b\"]",
            [
                "MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used (line 2)"
            ]
        ),
        (
            "FROM scratch\nARG D\nCOPY <<A <<\"B\" /\n$D $NOPE\nA\n$QUOTED\nB",
            ["UndefinedVar: Usage of undefined variable '$NOPE' (line 3)"]
        ),
        ("FROM scratch\nENV a=1 \\\n\n b=2", ["NoEmptyContinuation: Empty continuation line (line 4)"]),
        (
            "FROM --platform=$TARGETPLATFORM plain",
            [
                "RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior (line 1)"
            ]
        ),
        (
            "FROM scratch AS context",
            ["ReservedStageName: Stage name should not use the same name as reserved stage \"context\" (line 1)"]
        ),
        (
            "FROM scratch\nARG API_KEY PUBLIC_KEY KEYS\nENV MY_TOKEN=1",
            [
                "SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG \"API_KEY\") (line 2)",
                "SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ENV \"MY_TOKEN\") (line 3)",
            ]
        ),
        ("FROM scratch AS Foo", ["StageNameCasing: Stage name 'Foo' should be lowercase (line 1)"]),
        (
            "ARG BAZ=plain\nFROM plain${BAR}",
            ["UndefinedArgInFrom: FROM argument 'BAR' is not declared (did you mean BAZ?) (line 2)"]
        ),
        (
            "FROM scratch\nARG SET\nENV A=$SET B=$PAHT C=${D:-x}",
            [
                "UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?) (line 3)",
                "UndefinedVar: Usage of undefined variable '$D' (line 3)",
            ]
        ),
        ("FROM scratch\nEXPOSE 80 $NONE", []),
        (
            "FROM scratch\nWORKDIR rel\nWORKDIR rel",
            [
                "WorkdirRelativePath: Relative workdir \"rel\" can have unexpected results if the base image changes (line 2)"
            ]
        ),
        ("FROM scratch AS a\nWORKDIR /x\nFROM a\nWORKDIR rel", []),
        (
            "FROM scratch\nARG TARGETARCH=amd64",
            [
                "PlatformArgDefault: Default of ARG TARGETARCH hides the automatic value: every platform is built as 'amd64' (line 2)"
            ]
        ),
        ("FROM scratch\nARG TARGETARCH\nARG BUILDARCH=x", []),
        // Skipped by the file and by an instruction.
        ("# check=skip=StageNameCasing,FromAsCasing\nFROM scratch as Foo", []),
        ("# check=skip=all\nFROM scratch as Foo", []),
        ("FROM scratch\n# check=skip=LegacyKeyValueFormat\nENV a b", []),
        (
            "FROM scratch\n# check=skip=LegacyKeyValueFormat\nENV a=b\nENV c d",
            [
                "LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format (line 4)"
            ]
        ),
        (
            "# check=experimental=all\n# other thing\nARG y\nFROM scratch",
            ["InvalidDefinitionDescription: Comment for ARG should follow the format: `# y <description>` (line 3)"]
        ),
        ("# check=experimental=all\n# y is good\nARG y\nFROM scratch", []),
        ("# other thing\nARG y\nFROM scratch", []),
    ]

    @Test(arguments: rows)
    func rule(_ text: String, _ expected: [String]) throws {
        var planning = try Planning(text)
        planning.images["plain:latest"] = Planning.images["plain:latest"]
        planning.inputs.buildArgs = text.contains("ARG TAG\n") ? ["TAG": "latest"] : [:]
        #expect(try planning.findings() == expected)
    }

    /// The default alone is looked at, whatever the operand turns out to be.
    @Test(arguments: ["scratch", "a", "plain"])
    func defaultsOfBases(_ value: String) throws {
        let text = "ARG T\nFROM scratch AS a\nFROM $T"
        let found = try Planning(text) { $0.buildArgs = ["T": value] }.findings()
        let message = "Default value for ARG $T results in empty or invalid base image name (line 3)"
        #expect(found == ["InvalidDefaultArgInFrom: \(message)"])
    }

    /// What was found before a mistake comes with it (LINT-2).
    @Test(arguments: [
        (
            "FROM scratch\nWORKDIR q\nLABEL a=$U\nCMD x\nEXPOSE a",
            ["WorkdirRelativePath", "UndefinedVar", "JSONArgsRecommended"]
        ),
        ("FROM scratch AS a\nCMD x\nFROM a\nEXPOSE x", ["JSONArgsRecommended"]),
        ("ARG TAG\nFROM plain:${TAG}", ["InvalidDefaultArgInFrom"]),
        ("FROM scratch as a\nEXPOSE x", ["FromAsCasing"]),
    ])
    func findingsBeforeTheMistake(_ text: String, _ rules: [String]) throws {
        let error = try #require(throws: BuildError.self) { try Planning(text).plan() }
        #expect(error.diagnostics.dropLast().map(\.rule) == rules)
        #expect(error.diagnostics.last?.severity == .error)
    }

    @Test func argumentReplacesTheDirective() throws {
        let text = "# check=skip=all\nFROM scratch as x"
        let planning = try Planning(text) { $0.buildArgs = ["BUILDKIT_DOCKERFILE_CHECK": "error=true"] }
        let error = #expect(throws: (any Error).self) { try planning.plan() }
        #expect("\(try #require(error))".hasPrefix("lint violation found for rules: FromAsCasing"))
        var check = planning
        check.inputs.purpose = .check
        #expect(try check.findings().count == 1)
    }

    @Test func checkDispatchesAllStages() throws {
        let text = "FROM scratch AS a\nENV A=$NOPE\nRUN x\nFROM scratch"
        #expect(try Planning(text).findings().isEmpty)
        #expect(try Planning(text) { $0.purpose = .check }.findings().count == 1)
        #expect(
            try Planning(text + " AS b") {
                $0.purpose = .check
                $0.target = "b"
            }
            .findings().isEmpty
        )
    }

    @Test func unusedBuildArguments() throws {
        let text = "ARG VERSION\nFROM scratch AS a\nONBUILD ARG TRIGGER\nFROM scratch"
        let planning = try Planning(text) {
            $0.buildArgs = [
                "VERSIN": "1", "VERSION": "1", "TRIGGER": "1", "HTTP_PROXY": "p", "BUILDKIT_X": "1", "TARGETARCH": "a",
                "SOURCE_DATE_EPOCH": "1",
            ]
        }
        #expect(
            try planning.findings() == [
                "UnusedBuildArg: Build argument 'VERSIN' is not declared by any ARG (did you mean VERSION?)"
            ]
        )
    }

    @Test func ignoredSources() throws {
        let planning = try Planning("FROM scratch\nCOPY a b /\nADD c/d /\nCOPY . /\nCOPY --from=0 a /") {
            $0.ignore = try? IgnorePatterns(patterns: ["a", "c"], trimmingSlash: true)
        }
        #expect(throws: (any Error).self) { try planning.plan() }
        let fine = try Planning("FROM scratch AS s\nFROM scratch\nCOPY a b /\nADD c/d /\nCOPY . /\nCOPY --from=s a /") {
            $0.ignore = try? IgnorePatterns(patterns: ["a", "c"], trimmingSlash: true)
        }
        #expect(
            try fine.findings() == [
                "CopyIgnoredFile: Attempting to Copy file \"a\" that is excluded by .dockerignore (line 3)",
                "CopyIgnoredFile: Attempting to Add file \"c/d\" that is excluded by .dockerignore (line 4)",
            ]
        )
    }

    @Test func lintIsOfTheFirstPlatformOnly() throws {
        let planning = try Planning("FROM scratch\nENV A=$NOPE") {
            $0.platforms = [Platform(os: "linux", architecture: "amd64"), Platform(os: "linux", architecture: "arm64")]
        }
        #expect(try planning.findings().count == 1)
        var twice = planning
        twice.inputs.platforms = [
            Platform(os: "linux", architecture: "amd64"), Platform(os: "linux", architecture: "x86_64"),
        ]
        #expect(try twice.findings().last == "Duplicate platform result requested \"linux/amd64\"")
        #expect(try twice.plan().plan.platforms.count == 1)
    }

    @Test(arguments: [
        ("linux/amd46", "linux/amd46: unknown architecture \"amd46\" (did you mean amd64?)"),
        ("linus/arm64", "linus/arm64: unknown operating system \"linus\" (did you mean linux?)"),
        ("linux/s390x", nil),
    ])
    func unknownPlatforms(_ text: String, _ warning: String?) throws {
        let platform = try Platform(parsing: text)
        let planning = try Planning("FROM scratch") { $0.platforms = [platform] }
        #expect(try planning.findings() == [warning].compactMap(\.self))
    }

    @Test func unusedBuildContexts() throws {
        let text = """
            ARG BASE=image
            FROM scratch AS stage
            FROM $BASE
            ONBUILD COPY --from=later x /
            COPY --from=files x /
            COPY --from=stage x /
            """
        func found(_ names: String...) throws -> [String] {
            var planning = try Planning(text) {
                for name in names { $0.namedContexts[name] = .directory("/d") }
            }
            planning.images["files:latest"] = planning.images["plain:latest"]
            return try planning.findings().filter { $0.contains("Build context") }
        }
        #expect(try found("image", "stage", "files", "files::linux/amd64", "docker.io/library/image:latest") == [])
        #expect(
            try found("image", "fles", "scratch") == [
                "UnusedBuildContext: Build context 'fles' is not used: no FROM and no --from names it (did you mean files?)",
                "UnusedBuildContext: Build context 'scratch' is not used: no FROM and no --from names it",
            ]
        )
    }

    @Test(
        arguments: [
            (LintRule.jsonArgsRecommended, "json-args-recommended"), (.fromAsCasing, "from-as-casing"),
            (.noEmptyContinuation, "no-empty-continuation"), (.secretsUsedInArgOrEnv, "secrets-used-in-arg-or-env"),
        ]
    )
    func address(_ rule: LintRule, _ name: String) {
        #expect(rule.url == "https://docs.docker.com/go/dockerfile/rule/\(name)/")
        #expect(LintRule.invalidBaseImagePlatform.url == nil)
    }
}
