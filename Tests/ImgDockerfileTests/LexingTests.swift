import ImgDockerfile
import ImgReport
import Testing

@Suite("Lines and directives")
struct LexingTests {
    @Test("LEX-1: files without instructions or stages")
    func empty() {
        #expect(read("").errors == ["the Dockerfile cannot be empty"])
        #expect(read("\n# c\n").errors == ["file with no instructions"])
        #expect(read("ARG a=1\n").errors == ["dockerfile contains no stages to build"])
        #expect(read("ARG a=1\n").diagnostics.first?.range == nil)
    }

    @Test(
        "LEX-2, LEX-3, LEX-9…LEX-14: logical lines",
        arguments: [
            ("\u{feff}FROM scratch", ["FROM scratch"]), ("FROM scratch\r\nUSER a\r\n", ["FROM scratch", "USER a"]),
            ("FROM a\\\nb", ["FROM ab"]), ("FROM a\nUSER a \\\n  b", ["FROM a", "USER a   b"]),
            ("FROM a\\ \t\n\n# c \\\n  # d\nb", ["FROM ab"]),
            ("FROM a\\", ["FROM a"]), ("\\\nFROM a", ["FROM a"]), ("  FROM a  ", ["FROM a"]),
            ("FROM a\nUSER 'x\\\ny'", ["FROM a", "USER 'xy'"]),
            ("FROM a\nUSER x\\\\\nUSER y", ["FROM a", "USER x\\\\", "USER y"]),
            ("# escape=`\nFROM a`\nb\nUSER x\\", ["FROM ab", "USER x\\"]),
            ("FROM a\nUSER x\ry", ["FROM a", "USER x\ry"]), ("FROM a\\\r\nb", ["FROM ab"]),
        ] as [(String, [String])]
    )
    func lines(text: String, lines: [String]) {
        #expect(
            read(text).dockerfile.instructions.map(\.original).filter { $0.hasPrefix("FROM") || $0.hasPrefix("USER") }
                == lines
        )
    }

    @Test("LEX-4: too long a line; a longer logical line is fine")
    func longLines() {
        let half = String(repeating: "x", count: 40000)
        #expect(read("FROM a\nUSER \(half)\\\n\(half)").errors.isEmpty)
        #expect(
            read("FROM a\nUSER \(half)\(half)").errors == ["dockerfile line greater than max allowed size of 65535"]
        )
        #expect(read("FROM a\nUSER \(half)\(half)").diagnostics.first?.range?.startLine == 2)
        #expect(read("FROM a\nUSER " + String(repeating: "x", count: 65530)).errors.isEmpty)
        #expect(!read("FROM a\nUSER " + String(repeating: "x", count: 65531)).errors.isEmpty)
    }

    @Test("LEX-7, LEX-8, LEX-11, LINT-4: places, comments and skipped rules")
    func places() throws {
        let text = """
            # first
            #
            # kept
            # check=skip=RuleA,RuleB not this

            FROM a
            COPY x \\

             # inner
             y <<E /d
            body
            E
            # check=skip=all
            USER u
            """
        let instructions = read(text).dockerfile.instructions
        try #require(instructions.count == 3)
        #expect(instructions.map(\.range.startLine) == [6, 7, 14])
        #expect(instructions.map(\.range.endLine) == [6, 12, 14])
        #expect(instructions[0].comments == ["kept", "check=skip=RuleA,RuleB not this"])
        #expect(instructions.map(\.skippedRules) == [["RuleA", "RuleB"], [], ["all"]])
        #expect(instructions.map(\.hasEmptyContinuation) == [false, true, false])
        #expect(instructions[1].comments == [])
    }

    @Test("LEX-15, LEX-16: keywords")
    func keywords() {
        #expect(read("from a\n").dockerfile.instructions.map(\.keyword) == ["from"])
        #expect(read("FROM\u{b}a").errors.isEmpty)
        #expect(
            read("FROM a\nENV\u{a0}a=b").errors == [
                "dockerfile parse error on line 2: unknown instruction: ENV\u{a0}a=b"
            ]
        )
    }

    @Test(
        "DIR-1…DIR-6: escape",
        arguments: [
            ("# escape=`\n", "`"), ("#EsCaPe = ` \n", "`"), ("  # escape=`\n", "`"), ("\n# escape=`\n", "\\"),
            ("# c\n# escape=`\n", "\\"),
            ("# syntax=docker/dockerfile:1\n# escape=`\n", "`"), ("# other=1\n# escape=`\n", "\\"),
            ("#!/bin/x\n# escape=`\n", "\\"),
            ("# escape=\\\n", "\\"), ("\u{feff}# escape=`\n", "`"),
        ]
    )
    func escape(text: String, escape: String) {
        let (dockerfile, errors, _) = read(text + "FROM a")
        #expect(errors.isEmpty)
        #expect(dockerfile.directives.escape == escape.utf8.first)
    }

    @Test(
        "DIR-3, DIR-4, DIR-8: faults of directives",
        arguments: [
            ("# escape=`\n# escape=`\n", "only one escape parser directive can be used"),
            ("# escape=x\n", "invalid escape token 'x' does not match ` or \\"),
            ("# check=skip\n", "failed to parse check options: invalid check option \"skip\""),
            ("# check=foo=1\n", "failed to parse check options: invalid check option \"foo\""),
        ]
    )
    func directiveFaults(text: String, message: String) {
        #expect(read(text + "FROM a").errors == [message])
    }

    @Test("DIR-5…DIR-8: syntax and check")
    func otherDirectives() {
        let directives = read("#!/x\n# syntax=docker/dockerfile:1\n# check=skip=A, B;experimental=all;error=T\nFROM a")
            .dockerfile.directives
        #expect(directives.syntax == "docker/dockerfile:1")
        #expect(directives.check == CheckOptions(skip: ["A", "B"], experimentalAll: true, error: true))
        #expect(read(" # syntax=x\nFROM a").dockerfile.directives.syntax == nil)
        #expect(read("# syntax=docker/dockerfile:1\nFROM a").diagnostics.isEmpty)
        #expect(read("# syntax=example.com/other\nFROM a").diagnostics.map(\.severity) == [.warning])
    }

    @Test("LEX-18: faults of the text come before those of instructions")
    func phases() {
        let (_, errors, diagnostics) = read("FROM a\nBOGUS\nCMD [1]\n")
        #expect(errors.first == "when using JSON array syntax, arrays must be comprised of strings only")
        #expect(diagnostics.first?.range?.startLine == 3)
        #expect(errors.count == 1)
    }
}
