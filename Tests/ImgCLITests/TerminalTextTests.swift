import ImgOCI
import ImgReport
import ImgTestKit
import Testing

@testable import ImgBuilder
@testable import ImgCLI

@Suite("Foreign text on terminals and in logs") struct TerminalTextTests {
    @Test(arguments: [
        ("\u{1b}]0;x\u{7}", "\\u001b]0;x\\u0007"), ("a\nb\r", "a\\nb\\u000d"), ("\u{9b}2J\u{7f}", "\\u009b2J\\u007f"),
        ("\u{202e}gnp.exe", "\\u202egnp.exe"), ("tab\tstays", "tab\tstays"), ("größer 👩‍👩‍👧", "größer 👩‍👩‍👧"),
        ("::error::x", "\\u003a:error::x"), ("  \t::add-mask::x", "  \t\\u003a:add-mask::x"), ("a::b", "a::b"),
        ("::\u{301}x", "\\u003a:\u{301}x"), ("x ##[group]y", "x \\u0023#[group]y"),
        ("##vso[task.setvariable]", "\\u0023#vso[task.setvariable]"), ("###[error]", "#\\u0023#[error]"),
        ("## heading [1]", "## heading [1]"), ("#[a]", "#[a]"), ("#", "#"), (":", ":"), ("", ""),
    ])
    func cleaned(_ text: String, _ expected: String) {
        #expect(TerminalText.line(text) == expected)
    }

    /// Everything that is for people goes through here.
    @Test func aConsoleCleansLines() async throws {
        try await Scratch.with { scratch in
            let file = try OpenFile(try scratch.write("out", ""))
            let console = Console(descriptor: file.descriptor)
            let error = BuildError("no image for x\n::error::pwned", notes: ["::add-mask::x", "\u{1b}[2J"])
            console.print(ErrorText(error).lines)
            PlainRenderer(console: console, showsProgress: true, showsDebug: false).emit(.note("::group::x\u{7}"))
            let lines = try scratch.read("out").split(separator: "\n")
            #expect(
                lines == [
                    "error: no image for x\\n::error::pwned", "  \\u003a:add-mask::x", "  \\u001b[2J",
                    "\\u003a:group::x\\u0007",
                ]
            )
        }
    }

    @Test func cleanedJSONIsTheSameJSON() throws {
        let json = JSON.object(JSONObject([("a", .strings(["##[x]\u{9b}\u{7f}\u{202e}", "::error::\n\u{1b}"]))]))
        for text in [json.lines.map(TerminalText.line).joined(separator: "\n"), TerminalText.line(json.text())] {
            #expect(try JSON.parse(Array(text.utf8)) == json)
        }
    }

    /// They are commands, but not those of the text in them.
    @Test func annotationsHaveNoCommandsInThem() {
        let warning = Diagnostic(.warning, "a\r\n::error::b\u{1b}", rule: "X")
        let report = CheckReport(warnings: [warning], error: nil)
        #expect(
            CheckText(report, format: .github).lines == ["::warning title=X::a\\u000d%0A\\u003a:error::b\\u001b"]
        )
    }
}
