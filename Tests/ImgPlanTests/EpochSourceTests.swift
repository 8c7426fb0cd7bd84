import ImgOCI
import ImgPlan
import ImgReport
import Testing

/// REP-2: what a name as SOURCE_DATE_EPOCH leads to.
@Suite("Names as SOURCE_DATE_EPOCH") struct EpochSourceTests {
    private func source(_ name: String, _ text: String) throws -> EpochSource {
        try Planning(text) {
            $0.namedContexts = ["src": .git(GitReference(remote: "https://h/r.git")), "dir": .directory("/d")]
            $0.buildArgs = ["V": "2"]
        }
        .inputs.epochSource(named: name)
    }

    @Test func contextsComeFirst() throws {
        #expect(
            try source("src", "FROM scratch AS src\nADD http://h/f /\nFROM scratch")
                == .context(.git(GitReference(remote: "https://h/r.git")))
        )
        #expect(try source("dir", "FROM scratch") == .context(.directory("/d")))
    }

    @Test func stagesOfOneSource() throws {
        let text =
            "ARG H=h\nARG V\nFROM scratch AS Deps\nARG V=1 W=w\nADD --checksum=sha256:$W http://$H/$V.tar /\nFROM plain"
        #expect(try source("deps", text) == .url("http://h/2.tar", checksum: "sha256:w"))
        #expect(try source("DEPS", text) == .url("http://h/2.tar", checksum: "sha256:w"))
        #expect(
            try source("g", "FROM scratch AS g\nADD https://h/r.git#v1 /")
                == .git(try #require(try GitReference(recognising: "https://h/r.git#v1")), checksum: nil)
        )
    }

    @Test(
        arguments: [
            ("FROM scratch", "invalid SOURCE_DATE_EPOCH: s", nil),
            ("FROM plain AS s\nADD http://h/f /", "SOURCE_DATE_EPOCH stage must use FROM scratch", 1),
            ("FROM scratch AS s", "SOURCE_DATE_EPOCH stage must contain exactly one remote ADD", 1),
            (
                "FROM scratch AS s\nADD http://h/f /\nADD http://h/g /",
                "SOURCE_DATE_EPOCH stage must contain exactly one remote ADD", 1
            ),
            (
                "FROM scratch AS s\nADD http://h/f http://h/g /",
                "SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source", 1
            ),
            (
                "FROM scratch AS s\nADD a /", "SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD", 1
            ),
            (
                "FROM scratch AS s\nENV a=b\nADD http://h/f /",
                "SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported ENV instruction", 1
            ),
        ] as [(String, String, Int?)]
    )
    func refused(_ text: String, _ message: String, _ line: Int?) throws {
        let error = try #require(throws: BuildError.self) { try source("s", text) }
        #expect(error.diagnostics[0].message == message)
        #expect(error.diagnostics[0].range?.startLine == line)
    }
}
