import ImgDockerfile
import ImgReport
import Testing

@Suite("Ignore files")
struct IgnorePatternsTests {
    private func ignored(_ patterns: String, _ path: String) throws -> Bool {
        try IgnorePatterns(parsing: Array(patterns.utf8)).ignores(path: Array(path.utf8)).ignored
    }

    @Test(
        "IGN-2…IGN-7, IGN-10: what a file ignores",
        arguments: [
            ("a", "a", true), ("/a", "a", true), ("a/", "a", true), ("./a", "a", true), ("//a", "a", true),
            ("a", "A", false),
            ("a", "a/b/c", true), ("a", "b/a", false), ("**/a", "b/a", true), ("**/a", "a", true),
            ("**/a", "ba", false),
            ("**a", "ba", true), ("x/**", "x", false), ("x/**", "x/y", true), ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("**", "any/thing", true), ("*", "a/b", true), ("*.txt", "a/b.txt", false), ("**/*.txt", "a/b.txt", true),
            ("a?c", "a/c", false), ("a?c", "aéc", true), ("[a-c]x", "bx", true), ("[^a-c]x", "bx", false),
            ("[!a]x", "!x", true),
            ("a\\*b", "a*b", true), ("a\\*b", "axb", false), ("  # c", "# c", true), ("# c", "# c", false),
            ("\\#x", "#x", true),
            ("a/b\n!a", "a/b", true), ("a\n!a/b", "a/b", false), ("a\n!a/b", "a/c", true), ("*\n!a", "a/b", false),
            ("\u{feff}a", "a", true), ("a\r\nb\r\n", "b", true), (".", "a", false), ("/", "a", false),
            ("..", "a", false),
            ("*\n! a", "a", false), ("a.b", "axb", false), ("a/../b", "b", true), ("x**", "xa/b", true),
            ("a**b", "ab", true),
            ("a*/**", "ax/y", true), ("a*/**", "ax", false), ("a\u{a0}", "a", true),
        ] as [(String, String, Bool)]
    )
    func verdict(patterns: String, path: String, isIgnored: Bool) throws {
        #expect(try ignored(patterns, path) == isIgnored)
    }

    @Test("Malformed patterns", arguments: ["!", "a[", "[]a]", "a\\", "[z-a]", "ok\n ! "])
    func malformed(patterns: String) {
        #expect(throws: BuildError.self) { try IgnorePatterns(parsing: Array(patterns.utf8)) }
    }

    @Test("CP-33: patterns of a flag keep their leading slash")
    func flagPatterns() throws {
        let kept = try IgnorePatterns(patterns: ["/x"], trimmingSlash: false)
        #expect(!kept.ignores(path: Array("x".utf8)).ignored)
        let relative = try IgnorePatterns(patterns: ["./x/"], trimmingSlash: false)
        #expect(relative.ignores(path: Array("x".utf8)).ignored)
    }

    @Test("The deciding pattern is known by its line")
    func decidedBy() throws {
        let patterns = try IgnorePatterns(parsing: Array("# c\n\n*\n!a\na/secret\n".utf8))
        let verdict = patterns.ignores(path: Array("a/secret/x".utf8))
        #expect(verdict.decidedBy.map { patterns.patterns[$0].line } == 5)
        #expect(verdict.decidedBy.map { patterns.patterns[$0].text } == "a/secret")
    }

    @Test("More patterns than one word of flags holds")
    func manyPatterns() throws {
        let text = (0..<200).map { "d\($0)" }.joined(separator: "\n") + "\n!d150/keep"
        #expect(try ignored(text, "d199/x"))
        #expect(try ignored(text, "d150/x"))
        #expect(try !ignored(text, "d150/keep/x"))
    }

    @Test(
        "IGN-8: which ignored directories need not be read",
        arguments: [
            ("a\n!b", "a", true), ("*\n!a/b/c", "a", false), ("*\n!a/b/c", "a/b", false), ("*\n!a/b/c", "a/x", true),
            ("*\n!**/x", "a", false), ("*\n!*/x", "a", false), ("*\n!*/x", "a/b", true),
            ("*\n!a?/b[cd]/e", "ax", false),
            ("*\n!a?/b[cd]/e", "b", true), ("*", "a", true), ("*\n!a/**", "a/b", false),
        ] as [(String, String, Bool)]
    )
    func pruning(patterns: String, directory: String, canPrune: Bool) throws {
        let patterns = try IgnorePatterns(parsing: Array(patterns.utf8))
        #expect(patterns.canPrune(Array(directory.utf8)) == canPrune)
    }

    @Test("Matching takes no exponential time", .timeLimit(.minutes(1)))
    func polynomialTime() throws {
        let stars = String(repeating: "*a", count: 200)
        #expect(try !ignored(stars + "c", String(repeating: "a", count: 500) + "b"))
        let directories = String(repeating: "**/a/", count: 100)
        #expect(try !ignored(directories + "c", String(repeating: "a/", count: 500) + "b"))
    }
}

@Suite("Wildcards of sources")
struct PathMatchTests {
    @Test(
        "CP-4: the language of filepath.Match",
        arguments: [
            ("*", "a", true), ("*", "a/b", false), ("*", "", true), ("a*c", "abbc", true), ("?", "/", false),
            ("?", "é", true),
            ("f[!1].t", "f!.t", true), ("f[!1].t", "f1.t", true), ("f[!1].t", "f2.t", false), ("f[^1].t", "f2.t", true),
            ("a\\*b", "a*b", true), ("a\\*b", "axb", false), ("[a-z]", "m", true), ("[\\]]", "]", true),
            ("*.txt", ".txt", true),
            ("[z-a]", "m", false), ("a]", "a]", true), ("", "", true), ("", "a", false), ("[é-ü]", "ö", true),
        ] as [(String, String, Bool)]
    )
    func match(pattern: String, name: String, isMatch: Bool) throws {
        #expect(try PathMatch.match(pattern: Array(pattern.utf8), name: Array(name.utf8)) == isMatch)
    }

    @Test("Malformed patterns", arguments: ["[", "[]", "[a", "[-x]", "[a-]", "a\\", "[^]"])
    func malformed(pattern: String) {
        #expect(throws: PathMatch.SyntaxError.self) {
            try PathMatch.match(pattern: Array(pattern.utf8), name: Array("x".utf8))
        }
    }
}
