import ImgOCI
import ImgReport
import Testing

@testable import ImgBuilder
@testable import ImgCLI

/// A Dockerfile of five lines.
let sample = SourceFile(
    name: "dir/Dockerfile",
    bytes: Array("FROM scratch\n\tCOPY ä bb /\nENV A=1\nCOPY <<E /x\ntext\nE\n".utf8)
)

@Suite("Failures and findings as text") struct ErrorTextTests {
    @Test func everythingInOrder() {
        let diagnostic = Diagnostic(
            .error,
            "it broke",
            rule: "wrong-architecture",
            at: SourceRange(file: sample, lines: 1...1),
            notes: ["one\ntwo"],
            hints: ["do that"],
            url: "https://example.org"
        )
        #expect(
            ErrorText(diagnostic).lines == [
                "dir/Dockerfile:1", "--------------------", "   1 | >>> FROM scratch", "   2 |     \tCOPY ä bb /",
                "   3 |     ENV A=1", "--------------------",
                "error: dir/Dockerfile:1: wrong-architecture: it broke", "  one", "  two", "  hint: do that",
                "  see: https://example.org",
            ]
        )
    }

    @Test func caretUnderAPart() {
        // `bb` of the second line, behind a tab and a character of two bytes.
        let start = 13 + Array("\tCOPY ä ".utf8).count
        let lines = ErrorText.excerpt(SourceRange(file: sample, lowerBound: start, upperBound: start + 2))
        #expect(
            lines == [
                "dir/Dockerfile:2", "--------------------", "   1 |     FROM scratch", "   2 | >>> \tCOPY ä bb /",
                "     |     \t       ^^", "   3 |     ENV A=1", "   4 |     COPY <<E /x", "--------------------",
            ]
        )
    }

    @Test func severalLinesHaveLessAround() {
        let lines = ErrorText.excerpt(SourceRange(file: sample, lines: 4...6))
        #expect(
            lines == [
                "dir/Dockerfile:4", "--------------------", "   3 |     ENV A=1", "   4 | >>> COPY <<E /x",
                "   5 | >>> text", "   6 | >>> E", "   7 |     ", "--------------------",
            ]
        )
    }

    /// All lines of the instruction are shown, the caret is under the part.
    @Test func caretUnderAPartOfSeveralLines() {
        let start = sample.startOffset(ofLine: 4) + 9
        let lines = ErrorText.excerpt(
            SourceRange(file: sample, lines: 4...6),
            focus: SourceRange(file: sample, lowerBound: start, upperBound: start + 2)
        )
        #expect(lines[0] == "dir/Dockerfile:4")
        #expect(lines[3...4] == ["   4 | >>> COPY <<E /x", "     |              ^^"])
    }

    /// Several findings about one instruction show it once.
    @Test func oneExcerptForOnePlace() {
        let (first, other) = (SourceRange(file: sample, lines: 4...4), SourceRange(file: sample, lines: 5...5))
        let error = BuildError(
            .failure,
            diagnostics: [
                Diagnostic(.error, "a", at: first), Diagnostic(.error, "b", at: first),
                Diagnostic(.error, "c", at: other), Diagnostic(.error, "d", at: first),
            ]
        )
        let lines = ErrorText(error).lines
        #expect(
            lines.filter { $0.hasPrefix("error: ") || ($0.hasPrefix("dir/Dockerfile:") && !$0.contains(" ")) } == [
                "dir/Dockerfile:4", "error: dir/Dockerfile:4: a", "error: dir/Dockerfile:4: b", "dir/Dockerfile:5",
                "error: dir/Dockerfile:5: c", "dir/Dockerfile:4", "error: dir/Dockerfile:4: d",
            ]
        )
    }

    @Test func theCauseStandsLast() {
        let error = BuildError(
            .failure,
            diagnostics: [
                Diagnostic(.error, "violation"), Diagnostic(.warning, "first"), Diagnostic(.warning, "second"),
            ]
        )
        #expect(ErrorText(error).lines == ["warning: first", "warning: second", "error: violation"])
    }
}

@Suite("Answers of --check") struct CheckTextTests {
    private let warning = Diagnostic(
        .warning,
        "50% of, this: bad",
        rule: "SomeRule",
        at: SourceRange(file: sample, lines: 3...3),
        url: "https://example.org/rule"
    )

    @Test func clean() {
        let report = CheckReport(warnings: [], error: nil)
        #expect(CheckText(report, format: .text).lines == ["Check complete, no warnings found."])
        #expect(CheckText(report, format: .github).lines == [])
        #expect(CheckText(report, format: .json).lines == ["{", "  \"warnings\": []", "}"])
    }

    @Test func text() {
        let one = CheckText(CheckReport(warnings: [warning], error: nil), format: .text).lines
        #expect(
            one.prefix(5) == [
                "Check complete, 1 warning has been found!", "", "WARNING: SomeRule - https://example.org/rule",
                "50% of, this: bad", "dir/Dockerfile:3",
            ]
        )
        let report = CheckReport(warnings: [warning, warning], error: BuildError("broken"))
        let two = CheckText(report, format: .text).lines
        #expect(two.first == "Check complete, 2 warnings have been found!")
        #expect(two.last == "error: broken")
    }

    @Test func onlyAnError() {
        let report = CheckReport(warnings: [], error: BuildError("broken"))
        #expect(CheckText(report, format: .text).lines == ["", "error: broken"])
        #expect(!report.isClean)
    }

    @Test func annotations() {
        let report = CheckReport(warnings: [warning], error: BuildError("two\nlines"))
        #expect(
            CheckText(report, format: .github).lines == [
                "::warning file=dir/Dockerfile,line=3,endLine=3,title=SomeRule::50%25 of, this: bad",
                "::error::two%0Alines",
            ]
        )
    }

    @Test func json() throws {
        let report = CheckReport(warnings: [warning], error: BuildError("broken", hints: ["mend it"]))
        let json = try JSON.parse(Array(CheckText(report, format: .json).lines.joined().utf8))
        let first = try #require(json["warnings"]?.arrayValue?.first)
        #expect(first["rule"]?.stringValue == "SomeRule")
        #expect(first["file"]?.stringValue == "dir/Dockerfile")
        #expect(first["line"]?.integerValue == 3)
        #expect(json["errors"]?.arrayValue?.first?["remedy"]?.stringValue == "mend it")
    }
}

@Suite("Answers of --call") struct OutlineTextTests {
    private let outline = OutlineReport(
        name: "app",
        description: "the service",
        arguments: [
            .init(name: "PORT", value: "80", description: "where", range: SourceRange(file: sample, lines: 3...3)),
            .init(name: "X", value: nil, description: nil, range: SourceRange(file: sample, lines: 4...6)),
        ],
        dockerfile: sample
    )
    private let targets = TargetsReport(
        targets: [
            .init(name: "base", description: "tools", isDefault: false, base: "alpine", platform: nil, range: range),
            .init(name: "app", description: nil, isDefault: true, base: "base", platform: "$P", range: range),
        ],
        dockerfile: sample
    )
    private static let range = SourceRange(file: sample, lines: 1...1)

    @Test func outlineText() {
        #expect(
            OutlineText(outline, format: .text).lines == [
                "TARGET:        app", "DESCRIPTION:   the service", "", "BUILD ARG   VALUE   DESCRIPTION",
                "PORT        80      where", "X                   ", "",
            ]
        )
    }

    @Test func targetsText() {
        #expect(
            TargetsText(targets, format: .text).lines == [
                "TARGET          DESCRIPTION", "base            tools", "app (default)   ",
            ]
        )
    }

    @Test func outlineJSON() throws {
        let json = try JSON.parse(Array(OutlineText(outline, format: .json).lines.joined().utf8))
        let argument = try #require(json["args"]?.arrayValue?.last)
        #expect(argument["name"]?.stringValue == "X")
        #expect(argument["value"] == nil)
        let place = argument["location"]?["ranges"]?.arrayValue?.first
        #expect(place?["start"]?["line"]?.integerValue == 4)
        #expect(place?["end"]?["line"]?.integerValue == 6)
        let source = try #require(json["sources"]?.arrayValue?.first?.stringValue)
        #expect(Base64.decode(source) == sample.bytes)
    }

    @Test func targetsJSON() throws {
        let json = try JSON.parse(Array(TargetsText(targets, format: .json).lines.joined().utf8))
        let entries = try #require(json["targets"]?.arrayValue)
        #expect(entries.map { $0["default"] } == [nil, .bool(true)])
        #expect(entries.map { $0["base"]?.stringValue } == ["alpine", "base"])
        #expect(entries.map { $0["platform"]?.stringValue } == [nil, "$P"])
    }
}

@Suite("Numbers of bytes") struct ByteCountTests {
    @Test(arguments: [
        (Int64(0), "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1234, "1.2 kB"), (99_949, "99.9 kB"), (123_456, "123 kB"),
        (5_000_000_000, "5.0 GB"), (12_345_678_901_234, "12.3 TB"), (999_949, "999 kB"), (999_950, "1.0 MB"),
        (.max, "9223372 TB"),
    ])
    func shown(_ count: Int64, _ text: String) {
        #expect(ByteCount(count).description == text)
    }

    @Test(arguments: [
        ("0", Int64(0)), ("1024", 1024), ("2GB", 2_000_000_000), ("500mb", 500_000_000), ("3kB", 3000), ("7B", 7),
    ])
    func parsed(_ text: String, _ count: Int64) {
        #expect(ByteCount.parse(text) == count)
    }

    @Test(arguments: ["", "-1", "GB", "1.5GB", "9999999999TB", "2 GB", "-2GB"])
    func refused(_ text: String) {
        #expect(ByteCount.parse(text) == nil)
    }
}
