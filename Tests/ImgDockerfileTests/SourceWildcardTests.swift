import ImgDockerfile
import ImgTestKit
import Testing

@Suite struct SourceWildcardTests {
    /// The table of Go's own test of `filepath.Match`, with what CP-4 adds.
    @Test(arguments: [
        ("abc", "abc", true), ("*", "abc", true), ("*c", "abc", true), ("a*", "a", true), ("a*", "abc", true),
        ("a*", "ab/c", false), ("a*/b", "abc/b", true), ("a*/b", "a/c/b", false), ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true), ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
        ("a*b?c*x", "abxbbxdbxebxczzx", true), ("a*b?c*x", "abxbbxdbxebxczzy", false), ("ab[c]", "abc", true),
        ("ab[b-d]", "abc", true), ("ab[e-g]", "abc", false), ("ab[^c]", "abc", false), ("ab[^b-d]", "abc", false),
        ("ab[^e-g]", "abc", true), ("a\\*b", "a*b", true), ("a\\*b", "ab", false), ("a?b", "a\u{263a}b", true),
        ("a[^a]b", "a\u{263a}b", true), ("a???b", "a\u{263a}b", false), ("a[^a][^a][^a]b", "a\u{263a}b", false),
        ("[a-\u{3b6}]*", "\u{3b1}", true), ("*[a-\u{3b6}]", "A", false), ("a?b", "a/b", false), ("a*b", "a/b", false),
        ("[\\]a]", "]", true), ("[\\-]", "-", true), ("[x\\-]", "x", true), ("[x\\-]", "z", false), ("*x", "xxx", true),
        ("f[!1].t", "f!.t", true), ("f[!1].t", "f2.t", false), ("*", ".hid", true), ("**", "a/b", false),
        ("**", "a", true),
        ("[[]", "[", true), ("[*]", "*", true), ("[*]", "a", false), ("[?]", "?", true), ("", "", true),
        ("", "a", false),
        ("a]", "a]", true),
    ])
    func matches(_ pattern: String, _ name: String, _ expected: Bool) throws {
        #expect(try PathMatch.match(pattern: Array(pattern.utf8), name: Array(name.utf8)) == expected)
    }

    @Test(arguments: ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "a[b", "x[a-", "[a\\"])
    func refuses(_ pattern: String) {
        for name in ["", "a", "zzz"] {
            #expect(throws: PathMatch.SyntaxError.self) {
                try PathMatch.match(pattern: Array(pattern.utf8), name: Array(name.utf8))
            }
        }
    }

    @Test func matchesBytesThatAreNoText() throws {
        #expect(try PathMatch.match(pattern: Array("a?b".utf8), name: [0x61, 0xff, 0x62]))
        #expect(try PathMatch.match(pattern: Array("a*".utf8), name: [0x61, 0xff, 0xfe]))
        #expect(try PathMatch.match(pattern: [0xff, 0x2a], name: [0xff, 0x62]))
    }

    @Test func agreesWithANaiveMatcher() throws {
        // A class that holds the slash is left out: there Go goes by its first attempt.
        var dice = Dice(seed: 3)
        for _ in 0..<20_000 {
            let pattern = dice.text(["a", "b", "/", "*", "?", "[ab]", "[^a/]", "\\*", "\\a"], upTo: 8)
            let name = dice.text(["a", "b", "/", "*"], upTo: 8)
            let found = try PathMatch.match(pattern: Array(pattern.utf8), name: Array(name.utf8))
            #expect(found == NaiveMatch.path(Array(pattern.utf8)[...], Array(name.utf8)[...]), "\(pattern) on \(name)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func staysFastOnHardPatterns() throws {
        let pattern = Array((String(repeating: "*a", count: 5000) + "b").utf8)
        let name = [UInt8](repeating: UInt8(ascii: "a"), count: 20_000)
        #expect(try !PathMatch.match(pattern: pattern, name: name))
        let stars = Array((String(repeating: "**/", count: 100) + "*b").utf8)
        let deep = Array(String(repeating: "a/", count: 1000).utf8)
        let patterns = try IgnorePatterns(parsing: stars)
        #expect(!patterns.evaluate(path: deep + [0x61], parent: patterns.initialState).ignored)
    }
}

@Suite struct IgnoreLanguageTests {
    /// Against a matcher that tries everything.
    @Test func agreesWithANaiveMatcher() throws {
        var dice = Dice(seed: 7)
        for _ in 0..<20_000 {
            let pattern = dice.text(["a", "b", "/", "*", "**", "?", "[ab]", "[^a]", "\\*", "**/", "."], upTo: 7)
            let path = dice.text(["a", "b", "/", "*", "."], upTo: 7)
            guard let patterns = try? IgnorePatterns(patterns: [pattern], trimmingSlash: false),
                let first = patterns.patterns.first,
                !first.isException
            else { continue }
            let state = patterns.initialState
            let found = patterns.evaluate(path: Array(path.utf8), parent: state).ignored
            #expect(found == NaiveMatch.ignore(pattern, path), "\(pattern) on \(path)")
        }
    }
}
