import ImgDockerfile
import Testing

@Suite("Go's text formats")
struct GoTextTests {
    @Test(
        "NOTE-8: %q",
        arguments: [
            ("a b", "\"a b\""), ("\"\\", "\"\\\"\\\\\""), ("\t\n\u{1}\u{7f}", "\"\\t\\n\\x01\\x7f\""), ("é😀", "\"é😀\""),
            ("\u{a0}\u{ad}", "\"\\u00a0\\u00ad\""), ("\u{e0001}", "\"\\U000e0001\""), ("e\u{301}", "\"e\u{301}\""),
        ] as [(String, String)]
    )
    func quoting(text: String, quoted: String) {
        #expect(text.goQuoted == quoted)
    }

    @Test("Lists")
    func lists() {
        #expect(["a", "b c"].goQuoted == "[\"a\" \"b c\"]")
        #expect([String]().goQuoted == "[]")
    }

    @Test(
        "Durations, both ways",
        arguments: [
            ("1m30s", 90_000_000_000, "1m30s"), ("1h", 3_600_000_000_000, "1h0m0s"), ("1.5s", 1_500_000_000, "1.5s"),
            ("0", 0, "0s"),
            ("100ms", 100_000_000, "100ms"), ("1us", 1000, "1µs"), ("1500ns", 1500, "1.5µs"),
            ("-2s", -2_000_000_000, "-2s"),
            ("1h2m3.5s", 3_723_500_000_000, "1h2m3.5s"), (".5m", 30_000_000_000, "30s"), ("+7ns", 7, "7ns"),
            ("90m", 5_400_000_000_000, "1h30m0s"),
            ("9223372036854775807ns", .max, "2562047h47m16.854775807s"),
            ("-9223372036854775808ns", .min, "-2562047h47m16.854775808s"),
        ] as [(String, Int64, String)]
    )
    func durations(text: String, nanoseconds: Int64, printed: String) throws {
        #expect(try GoDuration.parse(text) == nanoseconds)
        #expect(GoDuration.format(nanoseconds) == printed)
    }

    @Test(
        "Malformed durations",
        arguments: [
            ("", "time: invalid duration \"\""), ("5", "time: missing unit in duration \"5\""),
            (".s", "time: invalid duration \".s\""),
            ("5x", "time: unknown unit \"x\" in duration \"5x\""), ("s", "time: invalid duration \"s\""),
            ("-", "time: invalid duration \"-\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
            ("99999999999999999999h", "time: invalid duration \"99999999999999999999h\""),
            ("3000000h", "time: invalid duration \"3000000h\""),
        ] as [(String, String)]
    )
    func malformedDurations(text: String, message: String) {
        let error = #expect(throws: GoDuration.SyntaxError.self) { try GoDuration.parse(text) }
        #expect(error?.message == message)
    }
}
