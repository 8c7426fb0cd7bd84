import ImgDockerfile
import Testing

@Suite("Expansion")
struct ExpansionTests {
    private let variables = [
        "A": "val", "SET": "value", "EMPTY": "", "P": "/usr/local/lib/libfoo.so.1.2", "V": "v1.22.333", "S": "aXbXcX",
        "PART": "X", "é": "accent", "12": "twelve", "L": "one\ntwo", "B": "a}b/c",
    ]

    private func expand(_ word: String, escape: String = "\\") throws -> String {
        let expander = WordExpander(escape: escape.utf8.first ?? 0)
        return try expander.expand(word) { variables[$0] }.text
    }

    @Test(
        "EXP-4, EXP-5, EXP-7: quotes, escapes and names",
        arguments: [
            ("\\$A", "$A"), ("'$A'", "$A"), ("\"\\$A\"", "$A"), ("\"'$A'\"", "'val'"), ("'\"$A\"'", "\"$A\""),
            ("\\\\$A", "\\val"),
            ("\\\\\\$A", "\\$A"), ("\"$\"", "$"), ("a$", "a$"), ("\"${A}b$A-c$A.d\"", "valbval-cval.d"), ("$A_x", ""),
            ("\"$1$9\"", ""), ("\"$$A\"", "A"), ("$12a", "twelvea"), ("$é!", "accent!"), ("a\\", "a"),
            ("\"a\\qb\"", "a\\qb"),
            ("\"a\\\"b\"", "a\"b"), ("a'b'\"c\"d", "abcd"), ("/\"$A\"x'$A'", "/valx$A"), ("$@$*$#$?$-$!", ""),
            ("$/", "$/"), ("''", ""),
        ] as [(String, String)]
    )
    func words(word: String, text: String) throws {
        #expect(try expand(word) == text)
    }

    @Test(
        "EXP-8, EXP-9, EXP-11: conditional forms",
        arguments: [
            ("${SET:-d}", "value"), ("${EMPTY:-d}", "d"), ("${EMPTY-d}", ""), ("${NEVER:-d}", "d"), ("${NEVER-d}", "d"),
            ("${SET:+alt}", "alt"), ("${EMPTY:+alt}", ""), ("${EMPTY+alt}", "alt"), ("${NEVER+alt}", ""),
            ("${U:-a${EMPTY:-b${SET}c}d}", "abvaluecd"), ("${SET:?no}", "value"), ("${EMPTY?no}", ""), ("${U:-}", ""),
            ("${U:-x\\ y}", "x y"), ("${U:-'}'}", "}"), ("${U:-\"}\"}", "}"), ("${U:-\\}}", "}"), ("${U#p}", ""),
            ("${U%%p}", ""),
            ("${U/p/r}", ""), ("${A}${SET}", "valvalue"), ("${@}", ""), ("${12}", "twelve"),
        ] as [(String, String)]
    )
    func conditions(word: String, text: String) throws {
        #expect(try expand(word) == text)
    }

    @Test(
        "EXP-10: patterns",
        arguments: [
            ("${P#*/}", "usr/local/lib/libfoo.so.1.2"), ("${P##*/}", "libfoo.so.1.2"),
            ("${P%.*}", "/usr/local/lib/libfoo.so.1"),
            ("${P%%.*}", "/usr/local/lib/libfoo"), ("${V#v}", "1.22.333"), ("${V##*.}", "333"),
            ("${P#nomatch}", "/usr/local/lib/libfoo.so.1.2"),
            ("${S/X/-}", "a-bXcX"), ("${S//X/--}", "a--b--c--"), ("${S/c*/}", "aXbX"), ("${S//X/}", "abc"),
            ("${P//\\//_}", "_usr_local_lib_libfoo.so.1.2"), ("${S/?X/Y}", "YbXcX"), ("${S//?X/Y}", "YYY"),
            ("${S//$PART/_}", "a_b_c_"), ("${S%$PART}", "aXbXc"), ("${P#/???/}", "local/lib/libfoo.so.1.2"),
            ("${L#*}", "one\ntwo"), ("${L##*}", "\ntwo"), ("${L//*/r}", "r\nr"), ("${A//*/r}", "r"),
            ("${A//$EMPTY/-}", "-v-a-l-"),
            ("${A/[v]/x}", "val"), ("${B#*\\}}", "b/c"), ("${A//a/$1}", "vl"), ("${S//X/\\$1}", "a$1b$1c$1"),
        ] as [(String, String)]
    )
    func patterns(word: String, text: String) throws {
        #expect(try expand(word) == text)
    }

    @Test(
        "EXP-6, EXP-8: errors",
        arguments: [
            ("'a", "unexpected end of statement while looking for matching single-quote"),
            ("\"a", "unexpected end of statement while looking for matching double-quote"),
            ("${", "syntax error: missing '}'"),
            ("${}", "syntax error: bad substitution"), ("${{x}}", "syntax error: bad substitution"),
            ("${:x}", "syntax error: bad substitution"),
            ("${A:-x", "syntax error: missing '}'"), ("${A/x}", "syntax error: missing '/' in ${}"),
            ("${A/x/", "syntax error: missing '}'"),
            ("${U?}", "U: is not allowed to be unset"), ("${U:?need it}", "U: need it"),
            ("${EMPTY:?}", "EMPTY: is not allowed to be empty"),
            ("${A:0}", "unsupported modifier (:0) in substitution"),
            ("${A:=x}", "unsupported modifier (:=) in substitution"),
            ("${A^}", "unsupported modifier (^) in substitution"),
            ("${A@Q}", "unsupported modifier (@) in substitution"),
            ("${#x}", "unsupported modifier (x) in substitution"),
            ("${A:#x}", "unsupported modifier (:#) in substitution"),
            ("${A#\\q}", "invalid pattern (\\q) in substitution: invalid escape '\\q'"),
        ] as [(String, String)]
    )
    func errors(word: String, reason: String) throws {
        let error = #expect(throws: ExpansionError.self) { try expand(word) }
        #expect(error?.message == "failed to process \(word.goQuoted): \(reason)")
    }

    @Test("DIR-4: a back tick as escape token")
    func backTick() throws {
        #expect(try expand("`$A\\$A", escape: "`") == "$A\\val")
        #expect(try expand("\"`$A`q\"", escape: "`") == "$A`q")
    }

    @Test(
        "HD-8: bodies of heredocs",
        arguments: [
            ("a\\tb \"\\$A\" '$A'\n", "atb \"$A\" 'val'\n"), ("\\\\", "\\"), ("a\\\nb", "a\nb"),
            ("$(cmd) `cmd` $U", "$(cmd) `cmd` "),
            ("it's", "it's"), ("${U:-'x'}", "'x'"), ("\r\n", "\r\n"),
        ] as [(String, String)]
    )
    func heredocs(body: String, text: String) throws {
        #expect(try WordExpander(escape: UInt8(ascii: "`")).expandHeredoc(body) { variables[$0] }.text == text)
    }

    @Test("HD-8: shell syntax in a heredoc fails", arguments: ["${x[@]}", "${!x}"])
    func heredocErrors(body: String) {
        #expect(throws: ExpansionError.self) { try WordExpander().expandHeredoc(body) { variables[$0] } }
    }

    @Test("EXPOSE splits what is not quoted")
    func splitting() throws {
        let values = ["P": "80 443", "E": ""]
        func words(_ word: String) throws -> [String] { try WordExpander().expandWords(word) { values[$0] }.words }
        #expect(try words("$P/tcp") == ["80", "443/tcp"])
        #expect(try words("\"$P\"") == ["80 443"])
        #expect(try words("$E") == [])
        #expect(try words("a\\ b") == ["a b"])
        #expect(try words("${U:-1 2}3") == ["1", "23"])
    }

    @Test("LINT UndefinedVar: names without a value are reported once, defaults or not")
    func unsetNames() throws {
        let expansion = try WordExpander().expand("$U${U}${W:-d}$A") { variables[$0] }
        #expect(expansion.unsetNames == ["U", "W"])
        #expect(expansion.usedNames == ["U", "W", "A"])
    }

    @Test("Deep nesting and growth are refused", .timeLimit(.minutes(1)))
    func limits() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "${U:-", count: depth) + "x" + String(repeating: "}", count: depth)
        }
        #expect(try expand(nested(100)) == "x")
        #expect(throws: ExpansionError.self) { try expand(nested(101)) }
        #expect(throws: ExpansionError.self) { try expand(nested(100_000)) }
        let large = String(repeating: "x", count: 1 << 20)
        #expect(throws: ExpansionError.self) {
            try WordExpander().expand(String(repeating: "$X", count: 64)) { _ in large }
        }
        let stars = String(repeating: "*a", count: 100)
        let value = String(repeating: "a", count: 2000)
        #expect(try WordExpander().expand("${X#\(stars)b}") { _ in value }.text == value)
    }
}
