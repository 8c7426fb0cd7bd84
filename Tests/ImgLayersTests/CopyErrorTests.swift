import ImgOCI
import ImgReport
import Testing

@testable import ImgLayers

@Suite struct CopyErrorTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var rule: String
        var context: [String]
        var base: [[String]] = []
        var instruction: String
        var message: String
        var hint: String?

        init(
            _ rule: String,
            _ context: [String],
            base: [[String]] = [],
            _ instruction: String,
            says message: String,
            hint: String? = nil
        ) {
            self.rule = rule
            self.context = context
            self.base = base
            self.instruction = instruction
            self.message = message
            self.hint = hint
        }

        var testDescription: String { "\(rule): \(instruction)" }
    }

    @Test(arguments: [
        Row("CP-2", [], "COPY a.txt /", says: "\"/a.txt\": not found"),
        Row(
            "CP-2",
            ["f src/app.py x"],
            "COPY src/ap.py /",
            says: "\"/src/ap.py\": not found",
            hint: "did you mean \"src/app.py\"?"
        ),
        Row(
            "CP-2",
            ["f README.md x"],
            "COPY readme.md /",
            says: "\"/readme.md\": not found",
            hint: "did you mean \"README.md\"?"
        ),
        Row(
            "CP-2",
            ["l secret -> ../out/side"],
            "COPY secret /s",
            says: "\"/secret\": not found",
            hint: "/secret is a symbolic link to /out/side, which is not in the source"
        ),
        Row("CP-2", ["f f x"], "COPY f/x /", says: "\"/f/x\": not found"),
        Row("CP-2", [], "COPY --from=other /p /", says: "lstat /p: no such file or directory"),
        Row("CP-8", ["l dangling -> no"], "COPY d* /x/", says: "\"/dangling\": not found"),
        Row(
            "CP-3",
            ["f configs/a x"],
            "COPY config/*.txt /d/",
            says: "lstat /config: no such file or directory",
            hint: "did you mean \"configs\"?"
        ),
        Row("CP-3", ["f a x"], "COPY a miss/ing/*/x /d/", says: "lstat /miss/ing: no such file or directory"),
        Row("CP-3", ["f f x"], "COPY f/d/* /d/", says: "lstat /f/d: not a directory"),
        Row("CP-3", [], "COPY --from=other p/* /", says: "lstat /p: no such file or directory"),
        Row(
            "CP-3",
            ["l lnk -> no"],
            "COPY lnk/* /x/",
            says: "lstat /no: no such file or directory",
            hint: "/lnk is a symbolic link to /no, which is not in the source"
        ),
        Row("CP-36", ["f a x"], "COPY --parents no/*/./x /d/", says: "lstat /no: no such file or directory"),
        Row("NOTE-7", ["l loop -> pool", "l pool -> loop"], "COPY loop/* /x", says: "\"/loop\": too many links"),
        Row("NOTE-7", ["l loop -> pool", "l pool -> loop"], "COPY loop /x", says: "\"/loop\": too many links"),
        Row("CP-10", ["f a x"], base: [["f x"]], "COPY a /x/y", says: "mkdir /x: not a directory"),
        Row("CP-10", ["f a x"], base: [["f x"]], "COPY a /x/", says: "mkdir /x: not a directory"),
        Row("CP-14", ["f a x", "f dir/b y"], "COPY a dir /x", says: "cannot copy to non-directory: /x"),
        Row(
            "CP-16 row 40",
            ["f d/x/f y"],
            base: [["d t", "d u", "l t/x -> ../u"]],
            "COPY d /t",
            says: "cannot copy to non-directory: /t/x"
        ),
        Row(
            "CP-16",
            ["f t/passwd/x y"],
            base: [["d etc", "f etc/passwd"]],
            "COPY t /etc",
            says: "cannot copy to non-directory: /etc/passwd"
        ),
        Row(
            "CP-16",
            ["f t/www y"],
            base: [["d srv", "d srv/www"]],
            "COPY t /srv",
            says: "cannot replace to directory /srv/www with file"
        ),
        Row(
            "CP-16",
            ["l t/www -> y"],
            base: [["d srv", "d srv/www"]],
            "COPY t /srv",
            says: "cannot replace to directory /srv/www with file"
        ),
        Row(
            "CP-28 row 26",
            ["f a x"],
            "COPY --chown=foo a /a",
            says: "cannot resolve user \"foo\": the stage has no file system yet (invalid user index: -1)"
        ),
        Row(
            "CP-28",
            ["f a x"],
            base: [["d etc", "f etc/passwd bob:x:1:1::/:"]],
            "COPY --link --chown=bob a /a",
            says: "cannot resolve user \"bob\": the stage has no file system yet (invalid user index: -1)"
        ),
        Row(
            "CP-29",
            ["f a x"],
            base: [["d etc", "d etc/passwd"]],
            "COPY --chown=bob a /a",
            says: "/etc/passwd is not a regular file"
        ),
        Row("CP-39 row 54", ["f a x"], "COPY --parents . /p/", says: "\"/\": not found"),
        Row("CP-39", ["f x/a x"], "COPY --parents x/nope /p/", says: "\"/x/nope\": not found"),
        Row("CP-37", ["f d/a.txt 1", "l lnk -> d"], "COPY --parents lnk/a.txt /p", says: "\"/lnk/a.txt\": not found"),
        Row("CFG-1", [], base: [["f x"]], "WORKDIR /x/y", says: "mkdir /x: not a directory"),
    ])
    func whatCannotBeCopiedIsExplained(_ row: Row) async throws {
        let scenario = Scenario(context: row.context, base: row.base)
        let error = await #expect(throws: BuildError.self) { try await scenario.spec([row.instruction]) }
        let diagnostic = try #require(error?.diagnostics.first)
        #expect(diagnostic.message == row.message)
        #expect(diagnostic.range?.startLine == 1)
        if let hint = row.hint { #expect(diagnostic.hints.contains(hint), "\(diagnostic.hints)") }
    }

    @Test func aUserNameWithoutAFileSystem() async throws {
        // CFG-1, row 24
        let error = await #expect(throws: BuildError.self) { try await Scenario().spec(["USER bob", "WORKDIR /x"]) }
        #expect(
            error?.diagnostics.first?.message
                == "cannot resolve user \"bob\": the stage has no file system yet (invalid user index: -1)"
        )
    }

    @Test func anIgnoredSourceIsExplained() async throws {
        let scenario = Scenario(context: ["f secret.txt x", "f d/e/f y"], ignore: "# comment\nsecret.*\nd\n")
        for (path, hint) in [
            ("secret.txt", "/secret.txt is excluded by the pattern \"secret.*\" (.dockerignore:2)"),
            ("d/e/f", "/d is excluded by the pattern \"d\" (.dockerignore:3)"),
        ] {
            let error = await #expect(throws: BuildError.self) { try await scenario.spec(["COPY \(path) /"]) }
            #expect(error?.diagnostics.first?.message == "\"/\(path)\": not found")
            #expect(error?.diagnostics.first?.hints == [hint])
        }
        let error = await #expect(throws: BuildError.self) { try await scenario.spec(["COPY d/e/* /"]) }
        #expect(error?.diagnostics.first?.message == "lstat /d/e: no such file or directory")
        #expect(error?.diagnostics.first?.hints == ["/d is excluded by the pattern \"d\" (.dockerignore:3)"])
    }

    @Test func unknownNamesAreWarnedOf() async throws {
        let base = [["d etc", "f etc/passwd bob:x:1:1::/:\\n", "f etc/group staff:x:1:\\n"]]
        let scenario = Scenario(context: ["f a x"], base: base)
        let warnings = try await scenario.spec(["COPY --chown=bop:nope a /a"]).warnings
        #expect(warnings.map(\.severity) == [.warning, .warning])
        #expect(warnings.first?.message.contains("unknown user \"bop\"") == true)
        #expect(warnings.first?.hints == ["did you mean \"bob\"?"])
        #expect(warnings.last?.message.contains("unknown group \"nope\"") == true)
    }
}
