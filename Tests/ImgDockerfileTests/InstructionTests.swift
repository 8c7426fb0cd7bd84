import ImgDockerfile
import ImgReport
import Testing

@Suite("Instructions")
struct InstructionTests {
    @Test(
        "ERR-3: faults of instructions",
        arguments: [
            ("FORM a", "unknown instruction: FORM (did you mean FROM?)"),
            ("coyp a b", "unknown instruction: coyp (did you mean copy?)"),
            ("XYZ1234 a", "unknown instruction: XYZ1234"), ("FROM", "FROM requires either one or three arguments"),
            ("FROM a b", "FROM requires either one or three arguments"),
            ("FROM a for b", "FROM requires either one or three arguments"),
            ("FROM a AS 1b", "invalid name for build stage: \"1b\", name can't start with a number or contain symbols"),
            (
                "COPY",
                "COPY requires at least two arguments, but only one was provided. Destination could not be determined"
            ),
            (
                "ADD --bogus a",
                "ADD requires at least two arguments, but only one was provided. Destination could not be determined"
            ),
            ("COPY --chonw=1 a /b", "unknown flag: --chonw (did you mean chown?)"),
            ("COPY --chown a /b", "missing a value on flag: --chown"),
            ("COPY --link= a /b", "missing a value on flag: --link"),
            ("COPY --link=1 a /b", "expecting boolean value for flag --link, not: 1"),
            ("COPY --chown=1 --chown=2 a /b", "duplicate flag specified: --chown"),
            ("CMD --foo", "unknown flag: --foo"),
            ("COPY --checksum=x a /b", "unknown flag: --checksum"), ("ADD --from=x a /b", "unknown flag: --from"),
            ("ARG", "ARG requires at least one argument"), ("ARG =v", "ARG names can not be blank"),
            ("ENV", "ENV requires at least one argument"),
            ("ENV =v", "ENV names can not be blank"), ("LABEL =v", "LABEL names can not be blank"),
            ("EXPOSE", "EXPOSE requires at least one argument"),
            ("USER", "USER requires exactly one argument"), ("WORKDIR", "WORKDIR requires exactly one argument"),
            ("STOPSIGNAL", "STOPSIGNAL requires exactly one argument"),
            ("MAINTAINER", "MAINTAINER requires exactly one argument"),
            ("VOLUME", "VOLUME requires at least one argument"), ("VOLUME []", "VOLUME requires at least one argument"),
            ("VOLUME [\" \"]", "VOLUME specified can not be an empty string"),
            ("SHELL", "SHELL requires at least one argument"),
            ("SHELL []", "SHELL requires at least one argument"),
            ("SHELL bash", "SHELL requires the arguments to be in JSON form"),
            ("ONBUILD", "ONBUILD requires at least one argument"),
            ("ONBUILD FROM a", "FROM isn't allowed as an ONBUILD trigger"),
            ("ONBUILD maintainer a", "MAINTAINER isn't allowed as an ONBUILD trigger"),
            ("ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
            ("HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
            ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
            ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
            ("HEALTHCHECK CMD []", "Missing command after HEALTHCHECK CMD"),
            ("HEALTHCHECK FOO x", "Unknown type \"FOO\" in HEALTHCHECK (try CMD)"),
            ("HEALTHCHECK --interval=5 CMD x", "time: missing unit in duration \"5\""),
            ("HEALTHCHECK --timeout=1us CMD x", "Interval \"timeout\" cannot be less than 1ms"),
            ("HEALTHCHECK --interval=-1s CMD x", "Interval \"interval\" cannot be less than 1ms"),
            ("HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"),
            ("HEALTHCHECK --retries=x CMD x", "strconv.ParseInt: parsing \"x\": invalid syntax"),
            ("HEALTHCHECK --retries=3000000000 CMD x", "strconv.ParseInt: parsing \"3000000000\": value out of range"),
            ("RUN --bogus x", "unknown flag: --bogus"), ("RUN --network=x y", "invalid network mode \"x\""),
            ("RUN --security=x y", "security \"x\" is not valid"),
            (
                "RUN --mount=from=$a,target=/x y",
                "'from' doesn't support variable expansion, define alias stage instead"
            ),
        ]
    )
    func faults(line: String, message: String) {
        let (_, errors, diagnostics) = read("FROM scratch\n\n\(line)")
        #expect(errors == ["dockerfile parse error on line 3: \(message)"])
        #expect(diagnostics.first?.range?.startLine == 3)
    }

    @Test(
        "Faults of the text have no prefix",
        arguments: [
            ("ENV a", "ENV must have two arguments"), ("LABEL a", "LABEL must have two arguments"),
            ("ENV a=1 b", "Syntax error - can't find = in \"b\". Must be of the form: name=value"),
            ("ENV X=${V:?need V}", "Syntax error - can't find = in \"V}\". Must be of the form: name=value"),
            ("ENV a=b \\\\\nENV c=d", "Syntax error - can't find = in \"\\\\\\\\\". Must be of the form: name=value"),
            ("ENV A=1 \\ # c\n B=2", "Syntax error - can't find = in \"\\\\ #\". Must be of the form: name=value"),
            ("COPY [1, \"b\"]", "when using JSON array syntax, arrays must be comprised of strings only"),
            ("HEALTHCHECK CMD [null]", "when using JSON array syntax, arrays must be comprised of strings only"),
            ("ONBUILD ENV a", "ENV must have two arguments"),
        ]
    )
    func textFaults(line: String, message: String) {
        #expect(read("FROM scratch\n\(line)").errors.first == message)
    }

    @Test("PAR-5: an instruction before the first stage")
    func noStage() {
        #expect(read("ARG a\nUSER x\nUSER y\nFROM a").errors == ["no build stage in current context"])
    }

    @Test(
        "Forms",
        arguments: [
            ("CMD", .cmd(.shell(""))), ("CMD []", .cmd(.exec([]))),
            ("CMD [\"a\", \"\\u00e9\"]", .cmd(.exec(["a", "é"]))),
            ("CMD [\"a\",]", .cmd(.shell("[\"a\",]"))), ("CMD [\"a\"] # c", .cmd(.shell("[\"a\"] # c"))),
            ("CMD ['a']", .cmd(.shell("['a']"))),
            ("CMD echo  \"$a\" ", .cmd(.shell("echo  \"$a\""))), ("ENTRYPOINT [\"a\"]", .entrypoint(.exec(["a"]))),
            ("CMD [\"\\ud800\"]", .cmd(.exec(["\u{fffd}"]))), ("SHELL [\"a\", \"-c\"]", .shell(["a", "-c"])),
            ("ENV a = b", .env([KeyValue(key: "a", value: "= b")], legacy: true)),
            ("ENV a b  c", .env([KeyValue(key: "a", value: "b  c")], legacy: true)),
            (
                "ENV a='x y' b=\"c\\\" d\"",
                .env([KeyValue(key: "a", value: "'x y'"), KeyValue(key: "b", value: "\"c\\\" d\"")], legacy: false)
            ),
            ("ENV a=x\\ y", .env([KeyValue(key: "a", value: "x\\ y")], legacy: false)),
            ("LABEL \"a b\"=c=d", .label([KeyValue(key: "\"a b\"", value: "c=d")], legacy: false)),
            (
                "ARG a=1 b c=",
                .arg([
                    ArgDefinition(name: "a", value: "1"), ArgDefinition(name: "b", value: nil),
                    ArgDefinition(name: "c", value: ""),
                ])
            ),
            ("ARG \"A=1 2\"", .arg([ArgDefinition(name: "\"A", value: "1 2\"")])),
            ("ARG --foo A=1", .arg([ArgDefinition(name: "A", value: "1")])),
            ("EXPOSE 80 443 1", .expose(["1", "443", "80"])), ("VOLUME [ /a ]", .volume(["[", "/a", "]"])),
            ("VOLUME [\" /a \"]", .volume(["/a"])),
            ("USER a b # c", .user("a b # c")), ("WORKDIR  /a/../b/ ", .workdir("/a/../b/")),
            ("STOPSIGNAL --x 9", .stopsignal("9")),
            ("MAINTAINER A <b>", .maintainer("A <b>")), ("ONBUILD  FOO  x", .onbuild("FOO  x")),
            ("HEALTHCHECK --x none", .healthcheck(.none)),
            (
                "HEALTHCHECK --interval=1m --retries=3 cmd a b",
                .healthcheck(.command(.shell("a b"), HealthcheckOptions(interval: 60_000_000_000, retries: 3)))
            ),
            ("HEALTHCHECK --timeout=0 CMD [\"a\"]", .healthcheck(.command(.exec(["a"]), HealthcheckOptions()))),
            ("RUN", .run(RunInstruction(command: .shell(""), heredocs: [], mountSources: []))),
            (
                "RUN --mount=type=bind,\"from=a\",target=/x --mount=from=b [\"c\"]",
                .run(RunInstruction(command: .exec(["c"]), heredocs: [], mountSources: ["a", "b"]))
            ),
            ("COPY a b /d", .copy(copy(["a", "b"], "/d"))), ("COPY a /b # c", .copy(copy(["a", "/b", "#"], "c"))),
            ("COPY \"a b\" /x", .copy(copy(["\"a", "b\""], "/x"))),
            ("ADD [\"a b\", \"/x\"]", .add(copy(["a b"], "/x"))),
            ("COPY -- --x /d", .copy(copy(["--x"], "/d"))),
            ("COPY a --chown=x b", .copy(copy(["a", "--chown=x"], "b"))),
            ("COPY --chown= a /b", .copy(copy(["a"], "/b"))),
        ] as [(String, InstructionBody)]
    )
    func forms(line: String, expected: InstructionBody) {
        #expect(body(line) == expected)
    }

    @Test("FLG-1…FLG-6: flags of COPY and ADD")
    func copyFlags() {
        var expected = copy(["a"], "/b")
        expected.from = "x"
        expected.chown = "a b"
        expected.chmod = "7\"5"
        expected.link = true
        expected.excludes = ["é.txt", "b"]
        let flags =
            "--from=x --chown=\"a b\" --chmod=7\\\"5 --link=TRUE --parents=False --exclude=é.txt --exclude= --exclude=b"
        #expect(body("COPY \(flags) a /b") == .copy(expected))
        var added = copy(["a"], "/b")
        added.unpack = false
        added.keepGitDir = true
        added.checksum = "sha256:x"
        #expect(body("ADD --unpack=false --keep-git-dir --checksum=sha256:x a /b") == .add(added))
    }

    @Test("FROM")
    func from() {
        let (dockerfile, errors, _) = read("FROM --platform=$X a:1 aS Base.1_x-y\nfrom b")
        #expect(errors.isEmpty)
        let first = FromInstruction(
            image: "a:1",
            platform: "$X",
            stageName: "base.1_x-y",
            stageNameAsWritten: "Base.1_x-y",
            asKeyword: "aS"
        )
        let second = FromInstruction(image: "b", platform: nil, stageName: nil, stageNameAsWritten: nil, asKeyword: nil)
        #expect(dockerfile.instructions.map(\.body) == [.from(first), .from(second)])
    }

    @Test(
        "CFG-12: stored triggers",
        arguments: [
            ("FOO x", "unknown instruction: FOO (did you mean FROM?)"),
            ("USER a\nUSER b", "onbuild trigger should be a single expression"),
            ("FROM a", "FROM isn't allowed as an ONBUILD trigger"), ("", "the Dockerfile cannot be empty"),
            ("ENV a", "ENV must have two arguments"),
        ]
    )
    func triggers(text: String, message: String) {
        let range = read("FROM a").dockerfile.instructions[0].range
        let error = #expect(throws: BuildError.self) { try Instruction.parseTrigger(text, at: range) }
        #expect(error?.diagnostics.map(\.message) == [message])
        #expect(error?.diagnostics.first?.range == range)
    }

    @Test("Reading goes on after a fault")
    func severalFaults() {
        let (dockerfile, errors, _) = read("FROM a\nBOGUS\nUSER x\nCOPY\nUSER y")
        #expect(errors.count == 2)
        #expect(dockerfile.instructions.map(\.body).dropFirst() == [.user("x"), .user("y")])
    }
}
