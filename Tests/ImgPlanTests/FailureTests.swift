import ImgOCI
import ImgPlan
import ImgReport
import Testing

@Suite("Failures")
struct FailureTests {
    static let rows: [(String, String, Int?)] = [
        ("ARG A", "dockerfile contains no stages to build", nil),
        ("FROM scratch\nCOPY --from=7 a /", "invalid stage index 7", nil),
        ("FROM scratch\nCOPY --from=-1 a /", "invalid stage index -1", nil),
        ("FROM scratch AS a\nCOPY --from=a /f /g", "circular dependency detected on stage: a", nil),
        (
            "FROM scratch AS a\nCOPY --from=b /f /g\nFROM a AS b\nCOPY f /f",
            "circular dependency detected on stage: a", nil
        ),
        (
            "FROM scratch AS s\nCOPY --from=t /a /b\nFROM scratch AS t\nFROM s",
            "cannot copy from stage \"t\", it needs to be defined before current stage \"s\"", 2
        ),
        (
            "FROM scratch\nARG X=a\nCOPY --from=$X a /",
            "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround",
            nil
        ),
        ("FROM ${UNSET}\nFROM scratch", "base name (${UNSET}) should not be blank", 1),
        (
            "FROM scratch AS Base\nFROM Base",
            "failed to parse stage name \"Base\": invalid reference format: repository name (library/Base) must be lowercase",
            2
        ),
        ("FROM --platform=$NOPE scratch", "empty platform value from expression $NOPE", 1),
        (
            "FROM --platform=$TARGETPLATFORN scratch",
            "empty platform value from expression $TARGETPLATFORN (did you mean TARGETPLATFORM?)", 1
        ),
        ("FROM scratch\nRUN <<EOF\nx\nEOF", "RUN is not supported by imgbuild (no execution backend)", 2),
        (
            "FROM scratch\nCOPY --chmod=9x9 f /f",
            "invalid chmod parameter: '9x9'. it should be octal string and between 0 and 07777", 2
        ),
        ("FROM scratch\nCOPY --chmod=u+q f /f", "invalid chmod parameter: 'u+q': invalid syntax", 2),
        ("FROM scratch\nEXPOSE 80 http", "invalid containerPort: http", 2),
        ("FROM scratch\nEXPOSE 80/foo", "invalid port: \"80/foo\": invalid proto: foo", 2),
        ("FROM scratch\nEXPOSE /tcp", "invalid port: \"/tcp\": no port specified", 2),
        ("FROM scratch\nEXPOSE x:80", "invalid hostPort: x", 2),
        ("FROM scratch\nEXPOSE 1.2.3:1:80", "invalid IP address: 1.2.3", 2),
        (
            "FROM scratch\nEXPOSE 1-3:80-81",
            "invalid ranges specified for container and host Ports: 80-81 and 1-3", 2
        ),
        ("FROM scratch\nEXPOSE 70000", "invalid containerPort: 70000", 2),
        ("FROM scratch\nSTOPSIGNAL 0", "invalid signal: 0", 2),
        ("FROM scratch\nSTOPSIGNAL SIGNOPE", "invalid signal: SIGNOPE", 2),
        ("FROM scratch\nSTOPSIGNAL RTMIN+16", "invalid signal: RTMIN+16", 2),
        ("FROM scratch\nVOLUME $NOPE", "VOLUME specified can not be an empty string", 2),
        (
            "FROM scratch\nUSER bob\nWORKDIR /x",
            "cannot resolve user \"bob\": the stage has no file system yet (invalid user index: -1)", 3
        ),
        (
            "FROM scratch\nCOPY --chown=1:staff a /",
            "cannot resolve group \"staff\": the stage has no file system yet (invalid user index: -1)", 2
        ),
        (
            "FROM plain\nCOPY --link --chown=bob a /",
            "cannot resolve user \"bob\": the stage has no file system yet (invalid user index: -1)", 2
        ),
        (
            "FROM hollow\nCOPY --chown=bob a /",
            "cannot resolve user \"bob\": the stage has no file system yet (invalid user index: -1)", 2
        ),
        ("FROM scratch\nCOPY https://h/f /", "source can't be a URL for COPY", 2),
        ("FROM scratch\nCOPY https://h/f.git /", "source can't be a git ref for COPY", 2),
        ("FROM scratch\nADD --checksum=sha256:0 a /", "checksum requires HTTP(S) or Git sources", 2),
        ("FROM scratch\nADD --checksum=sha256:0 a b /", "checksum can't be specified for multiple sources", 2),
        (
            "FROM scratch\nADD --keep-git-dir=false https://h/r.git?keep-git-dir=1 /",
            "inconsistent keep-git-dir configuration", 2
        ),
        ("FROM scratch\nADD --checksum=ab https://h/r.git?checksum=cd /", "checksum mismatch \"ab\" != \"cd\"", 2),
        ("FROM scratch\nADD https://h/r.git?x=1 /", "unexpected query \"x\"", 2),
        (
            "FROM scratch\nARG NEEDED\nENV X=\"${NEEDED:?please set it}\"",
            "failed to process \"\\\"${NEEDED:?please set it}\\\"\": NEEDED: please set it", 3
        ),
    ]

    @Test(arguments: rows)
    func message(_ text: String, _ message: String, _ line: Int?) {
        let found = failure(text)
        #expect(found.message == message)
        #expect(found.line == line)
    }

    /// What the caret of a failed expansion stands under.
    @Test(
        arguments: [
            ("ENV A=1 \\\n  B=${X:?no}", "B=${X:?no}"), ("COPY a ${X:?no} /d", "${X:?no}"),
            ("COPY <<A b ${X:?no}\nA", "${X:?no}"), ("COPY --chown=${X:?no} a /d", "--chown=${X:?no}"),
            ("COPY --chmod=9 a /d", "--chmod=9"), ("LABEL a=b c=${X^}", "c=${X^}"),
            ("ARG A=1 B=${X:?no}", "B=${X:?no}"),
            ("VOLUME /a ${X:?no}", "${X:?no}"), ("EXPOSE 80 x", "x"), ("EXPOSE 80 ${X:?no}", "${X:?no}"),
            ("WORKDIR ${X:?no}", "${X:?no}"), ("STOPSIGNAL nope", "nope"), ("COPY a https://h/f /d", "https://h/f"),
        ]
    )
    func focus(_ instruction: String, _ operand: String) throws {
        let text = "FROM scratch\n\(instruction)\n"
        let error = try #require(throws: BuildError.self) { try Planning(text).plan() }
        let found = error.mistakes[0]
        #expect(found.range?.startLine == 2)
        let focus = try #require(found.focus)
        #expect(String(decoding: Array(text.utf8)[focus.lowerBound..<focus.upperBound], as: UTF8.self) == operand)
    }

    @Test(arguments: ["--platform=a/b/c/d", "--platform=$NOPE", "--platform=${X:?no}"])
    func focusOfThePlatform(_ flag: String) throws {
        let text = "FROM \(flag) scratch\n"
        let error = try #require(throws: BuildError.self) { try Planning(text).plan() }
        let focus = try #require(error.mistakes[0].focus)
        #expect(String(decoding: Array(text.utf8)[focus.lowerBound..<focus.upperBound], as: UTF8.self) == flag)
    }

    @Test func unknownTargets() {
        #expect(failure("FROM scratch AS build") { $0.target = "0" }.message == "target stage \"0\" could not be found")
        let near = failure("FROM scratch AS build") { $0.target = "biuld" }
        #expect(near.message == "target stage \"biuld\" could not be found (did you mean build?)")
        #expect(near.line == nil)
    }

    @Test func contextOfFilesIsNoImage() {
        let found = failure("FROM scratch AS foo\nFROM foo") { $0.namedContexts = ["foo": .directory("/d")] }
        #expect(found.message == "invalid image config for export: missing architecture")
    }

    @Test func namesAreFineOnceThereIsAFileSystem() throws {
        let text = "FROM scratch\nCOPY a /\nUSER bob\nWORKDIR /x\nCOPY --chown=bob a /"
        #expect(try Planning(text).target().steps.count == 4)
    }
}
