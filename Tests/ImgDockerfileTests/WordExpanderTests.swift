import ImgDockerfile
import Testing

@Suite struct WordExpanderTests {
    private static let values = [
        "SET": "value", "EMPTY": "", "A": "val", "P": "/usr/local/lib/libfoo.so.1.2", "V": "v1.22.333", "S": "aXbXcX",
        "PART": "X", "LINES": "a1\nb2\nc3", "U": "a\u{e9}o\u{301}", "STAR": "*", "NAME": "SET", "SPACED": "a b  c",
        "\u{e9}t\u{e9}": "summer", "12": "twelve",
    ]

    private func expand(_ word: String, escape: Character = "\\") throws -> String {
        try WordExpander(escape: escape.asciiValue ?? 0).expand(word) { Self.values[$0] }.text
    }

    @Test(arguments: [
        // Quotes and escapes (EXP-4, EXP-5).
        (#"\$A"#, "$A"), ("'$A'", "$A"), (#""\$A""#, "$A"), (#""'$A'""#, "'val'"), (#"'"$A"'"#, #""$A""#),
        (#"\\$A"#, #"\val"#), (#"\\\$A"#, #"\$A"#), (#""$""#, "$"), ("a$", "a$"),
        (#""${A}b$A-c$A.d""#, "valbval-cval.d"),
        ("$A_x", ""), (#""$1$9""#, ""), ("$$A", "A"), (#"a\"#, "a"), (#"a\ b"#, "a b"), (#"a\\b"#, #"a\b"#),
        (#""a\\b""#, #"a\b"#), (#"'a\\b'"#, #"a\\b"#), (#""a\b""#, #"a\b"#), (#"pre"mid dle"post"#, "premid dlepost"),
        (#"'it'"'"'s'"#, "it's"), ("", ""), (#""""#, ""), (#"$'x'"#, "$x"), ("$\u{e9}t\u{e9}", "summer"),
        ("$12a", "twelvea"), ("$SPACED", "a b  c"),
        // Forms of ${…} (EXP-8).
        ("${SET:-d}", "value"), ("${EMPTY:-d}", "d"), ("${EMPTY-d}", ""), ("${NO:-d}", "d"), ("${NO-d}", "d"),
        ("${SET:+alt}", "alt"), ("${EMPTY:+alt}", ""), ("${EMPTY+alt}", "alt"), ("${NO+alt}", ""),
        ("${SET+alt}", "alt"),
        ("${NO:-${SET}}", "value"), ("${NO:-a${EMPTY:-b${SET}c}d}", "abvaluecd"), ("${SET:?no}", "value"),
        ("${EMPTY?no}", ""), ("${NO:-}", ""), ("${NO:-with blank}", "with blank"), (#"${NO:-x\ y}"#, "x y"),
        (#"${NO:-"a}b"}"#, "a}b"), (#"${NO:-a\}b}"#, "a}b"), ("${NO}", ""), ("${12}", "twelve"), ("${?}", ""),
        // Patterns (EXP-10, EXP-11).
        ("${P#*/}", "usr/local/lib/libfoo.so.1.2"), ("${P##*/}", "libfoo.so.1.2"),
        ("${P%.*}", "/usr/local/lib/libfoo.so.1"),
        ("${P%%.*}", "/usr/local/lib/libfoo"), ("${V#v}", "1.22.333"), ("${V##*.}", "333"),
        ("${P#no}", Self.values["P"] ?? ""),
        ("${S/X/-}", "a-bXcX"), ("${S//X/--}", "a--b--c--"), ("${S/c*/}", "aXbX"), ("${S//X/}", "abc"),
        (#"${P//\//_}"#, "_usr_local_lib_libfoo.so.1.2"), ("${S/?X/Y}", "YbXcX"), ("${S//?X/Y}", "YYY"),
        ("${S//$PART/_}", "a_b_c_"), ("${S%$PART}", "aXbXc"), ("${P#/???/}", "local/lib/libfoo.so.1.2"),
        ("${NO#a}", ""), ("${NO%a}", ""), ("${NO/a/b}", ""), ("${S##*X}", ""), ("${S#*X}", "bXcX"),
        ("${S%X*}", "aXbXc"),
        ("${S%%X*}", "a"), ("${S/#/x}", "aXbXcX"), (#"${STAR/\*/s}"#, "s"), ("${LINES##*}", "\nb2\nc3"),
        ("${LINES//?/x}", "xx\nxx\nxx"), ("${S//[/x}", "aXbXcX"), ("${U#?}", "\u{e9}o\u{301}"), ("${U%?}", "a\u{e9}o"),
        ("${S//X/$1}", "abc"), ("${S/*/y}", "y"), (#"${S/X/\/}"#, #"a\/bXcX"#),
    ])
    func expands(_ word: String, _ expected: String) throws {
        #expect(try expand(word).unicodeScalars.elementsEqual(expected.unicodeScalars))
    }

    @Test(arguments: [
        ("a`$A", "a$A"), (#"c:\dir\sub"#, #"c:\dir\sub"#), (#""q`"q""#, #"q"q"#), ("``", "`"), (#"\$A"#, #"\val"#),
    ])
    func expandsWithBackTick(_ word: String, _ expected: String) throws {
        #expect(try expand(word, escape: "`") == expected)
    }

    @Test(arguments: [
        ("'a", "unexpected end of statement while looking for matching single-quote"),
        (#""a"#, "unexpected end of statement while looking for matching double-quote"),
        ("${", "syntax error: missing '}'"), ("${A", "syntax error: missing '}'"),
        ("${A:-x", "syntax error: missing '}'"),
        ("${A:-'x}", "syntax error: missing '}'"), ("${}", "syntax error: bad substitution"),
        ("${{A}", "syntax error: bad substitution"), ("${:x}", "syntax error: bad substitution"),
        ("${NO:?need it}", "NO: need it"), ("${NO?}", "NO: is not allowed to be unset"),
        ("${EMPTY:?}", "EMPTY: is not allowed to be empty"), ("${NO:?}", "NO: is not allowed to be unset"),
        ("${A:0}", "unsupported modifier (:0) in substitution"),
        ("${A:=x}", "unsupported modifier (:=) in substitution"),
        ("${A=x}", "unsupported modifier (=) in substitution"), ("${A^}", "unsupported modifier (^) in substitution"),
        ("${A@Q}", "unsupported modifier (@) in substitution"),
        ("${A:#x}", "unsupported modifier (:#) in substitution"),
        ("${#A}", "unsupported modifier (A) in substitution"), ("${!A}", "unsupported modifier (A) in substitution"),
        ("${A[@]}", "unsupported modifier ([) in substitution"), ("${S/X}", "syntax error: missing '/' in ${}"),
        (#"${S#\c}"#, #"invalid pattern (\c) in substitution: invalid escape '\c'"#),
    ])
    func refuses(_ word: String, _ reason: String) {
        let quoted = word.unicodeScalars.reduce(into: "") { $0 += $1 == "\"" || $1 == "\\" ? "\\\($1)" : "\($1)" }
        #expect(throws: ExpansionError.self) { try expand(word) }
        do { _ = try WordExpander().expand(word) { Self.values[$0] } } catch {
            #expect(error.message == "failed to process \"\(quoted)\": \(reason)")
        }
    }

    @Test func namesWhatIsUnset() throws {
        let expansion = try WordExpander().expand("$A$NO${NO:-$OTHER}${LAST+x}") { Self.values[$0] }
        #expect(expansion.unsetNames == ["NO", "OTHER", "LAST"])
        #expect(expansion.usedNames == ["A", "NO", "OTHER", "LAST"])
    }

    @Test(arguments: [
        ("80", ["80"]), ("$SPACED", ["a", "b", "c"]), ("x$SPACED-y", ["xa", "b", "c-y"]), ("\"$SPACED\"", ["a b  c"]),
        ("$NO", []), ("''", []), (#"a\ b"#, ["a b"]), ("a\u{a0}b", ["a", "b"]),
    ])
    func splitsForExpose(_ word: String, _ expected: [String]) throws {
        #expect(try WordExpander().expandWords(word) { Self.values[$0] }.words == expected)
    }

    @Test(arguments: [
        (#"a\tb "\$A" '$A'"# + "\n", "atb \"$A\" 'val'\n"), ("x\\\ny", "x\ny"), (#"back\\slash"#, #"back\slash"#),
        ("${NO:-fallback}$(cmd)`cmd`", "fallback$(cmd)`cmd`"), ("a`$A", "a`val"), (#"${NO:-"q"}"#, #""q""#),
    ])
    func expandsHeredocs(_ body: String, _ expected: String) throws {
        #expect(try WordExpander(escape: UInt8(ascii: "`")).expandHeredoc(body) { Self.values[$0] }.text == expected)
    }

    @Test func limitsNestingAndSize() throws {
        let deep = String(repeating: "${NO:-", count: 50_000)
        #expect(throws: ExpansionError.self) { try expand(deep) }
        func nested(_ depth: Int) -> String {
            String(repeating: "${NO:-", count: depth) + "x" + String(repeating: "}", count: depth)
        }
        #expect(try expand(nested(100)) == "x")
        #expect(throws: ExpansionError.self) { try expand(nested(101)) }
        let large = String(repeating: "x", count: 1 << 16)
        #expect(throws: ExpansionError.self) {
            try WordExpander().expand(String(repeating: "$L", count: 100)) { _ in large }
        }
    }

    /// Patterns that make a backtracking matcher run for ages.
    @Test(.timeLimit(.minutes(1))) func staysFastOnHardPatterns() throws {
        let value = String(repeating: "a", count: 20_000)
        let pattern = String(repeating: "*a", count: 30) + "b"
        for form in ["#", "##", "%", "%%", "/", "//"] {
            let word = "${L\(form)\(pattern)\(form.hasPrefix("/") ? "/" : "")}"
            #expect(try WordExpander().expand(word) { _ in value }.text == value)
        }
    }
}
