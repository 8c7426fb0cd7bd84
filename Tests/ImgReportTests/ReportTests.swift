import ImgReport
import Testing

@Suite struct SourceFileTests {
    let file = SourceFile(name: "Dockerfile", bytes: Array("FROM a\r\nCOPY b c\n\nCMD x".utf8))

    @Test func linesAndColumns() {
        #expect(file.lineCount == 4)
        #expect(file.text(ofLine: 1) == "FROM a")
        #expect(file.text(ofLine: 3) == "")
        let range = SourceRange(file: file, lowerBound: 13, upperBound: 14)
        #expect((range.startLine, range.endLine, range.startColumn) == (2, 2, 6))
        #expect(SourceRange(file: file, lines: 2...4).endLine == 4)
    }
}

@Suite struct SuggestionTests {
    /// ERR-9.
    @Test(
        arguments: [
            ("FORM", ["FROM", "COPY"], "FROM"), ("biuld", ["build", "test"], "build"),
            ("chonw", ["chmod", "chown"], "chown"),
            ("xyz", ["build"], nil), ("build", ["build", "biuld"], nil), ("ab", ["ac", "aa"], "aa"),
        ] as [(String, [String], String?)]
    )
    func nearest(_ word: String, _ candidates: [String], _ expected: String?) {
        #expect(Suggestion.nearest(word, among: candidates) == expected)
    }
}

@Suite struct BuildErrorTests {
    @Test func locatesOnlyWhatHasNoPlace() {
        let file = SourceFile(name: "D", bytes: [0x41, 0x0a, 0x42])
        let first = SourceRange(file: file, lines: 1...1)
        let second = SourceRange(file: file, lines: 2...2)
        #expect(BuildError("m", at: first).located(at: second).diagnostics[0].range == first)
        #expect(BuildError("m").located(at: second).diagnostics[0].range == second)
    }
}
