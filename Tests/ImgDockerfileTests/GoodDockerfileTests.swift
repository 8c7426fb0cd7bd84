import Glibc
import ImgDockerfile
import ImgReport
import Testing

/// `fixtures/dockerfile/good/<case>`: `Dockerfile` and its syntax tree as text in `ast.txt`.
///
/// `IMGBUILD_UPDATE_FIXTURES=1` writes the trees anew.
@Suite struct GoodDockerfileTests {
    @Test(arguments: try Fixtures.names(in: "good"))
    func parses(_ name: String) throws {
        let text = try Fixtures.bytes("good/\(name)/Dockerfile")
        let (dockerfile, diagnostics) = Dockerfile.parse(SourceFile(name: "Dockerfile", bytes: text))
        #expect(diagnostics.isEmpty, "\(diagnostics.map(\.message))")
        let found = TreeText.describe(dockerfile)
        if unsafe getenv("IMGBUILD_UPDATE_FIXTURES") != nil { try Fixtures.write(found, to: "good/\(name)/ast.txt") }
        #expect(found == String(decoding: try Fixtures.bytes("good/\(name)/ast.txt"), as: UTF8.self))
    }

    private func parse(_ text: String) -> (Dockerfile, [Diagnostic]) {
        Dockerfile.parse(SourceFile(name: "Dockerfile", bytes: Array(text.utf8)))
    }

    @Test func rangesOfOperandsPointAtTheFile() {
        let text =
            "FROM scratch\nCOPY --chown=1 \\\n  a <<EOF \\\n /d\nx\nEOF\nEXPOSE 80 443\nENV A=1 \\\n  B=2\nUSER  a b \n"
        let (dockerfile, _) = parse(text)
        let words = dockerfile.instructions.map { instruction in
            instruction.operandRanges.map {
                String(decoding: Array(text.utf8)[$0.lowerBound..<$0.upperBound], as: UTF8.self)
            }
        }
        #expect(words == [["scratch"], ["a", "<<EOF", "/d"], ["443", "80"], ["A=1", "B=2"], ["a b"]])
        let flag = dockerfile.instructions[1].flagRanges["chown"]
        #expect(flag?.startLine == 2 && flag?.startColumn == 6)
    }

    @Test(arguments: [
        ("LABEL a=$b", "LABEL"), ("COPY <<EOF /x\nbody\nEOF", "COPY"), ("# c\nRUN x \\\n y", "RUN"),
    ])
    func parsesTriggers(_ text: String, _ keyword: String) throws {
        let range = SourceRange(file: SourceFile(name: "f", bytes: Array("FROM b".utf8)), lines: 1...1)
        let instruction = try Instruction.parseTrigger(text, at: range)
        #expect(instruction.keyword == keyword)
        #expect(instruction.range == range)
    }

    @Test(arguments: [
        ("FOO x", "unknown instruction: FOO (did you mean FROM?)"),
        ("RUN a\nRUN b", "onbuild trigger should be a single expression"),
        (
            "COPY a",
            "COPY requires at least two arguments, but only one was provided. Destination could not be determined"
        ),
        ("CMD [1]", "when using JSON array syntax, arrays must be comprised of strings only"),
        ("", "the Dockerfile cannot be empty"),
        ("# escape=`\nENV a=1 `\n b=2", "Syntax error - can't find = in \"`\". Must be of the form: name=value"),
    ])
    func refusesTriggers(_ text: String, _ message: String) throws {
        let range = SourceRange(file: SourceFile(name: "f", bytes: Array("FROM b".utf8)), lines: 1...1)
        let error = try #require(throws: BuildError.self) { try Instruction.parseTrigger(text, at: range) }
        #expect(error.diagnostics.map(\.message) == [message])
        #expect(error.diagnostics.map(\.range) == [range])
    }
}

/// A syntax tree as text, one instruction a line.
enum TreeText {
    static func describe(_ dockerfile: Dockerfile) -> String {
        let directives = dockerfile.directives
        var text = "escape \(String(Unicode.Scalar(directives.escape)).goQuoted)"
        if let syntax = directives.syntax { text += " syntax \(syntax)" }
        if let check = directives.check {
            text += " check skip=\(check.skip.sorted()),\(check.skipAll) experimental=\(check.experimental.sorted())"
            text += ",\(check.experimentalAll) error=\(check.error)"
        }
        return text + "\n" + dockerfile.instructions.map { describe($0) + "\n" }.joined()
    }

    private static func describe(_ instruction: Instruction) -> String {
        var text = "\(instruction.range.startLine)-\(instruction.range.endLine) \(instruction.keyword)"
        if !instruction.comments.isEmpty { text += " comments \(instruction.comments.goQuoted)" }
        if !instruction.skippedRules.isEmpty { text += " skips \(instruction.skippedRules.sorted())" }
        if instruction.hasEmptyContinuation { text += " empty-continuation" }
        return text + ": " + describe(instruction.body)
    }

    private static func describe(_ body: InstructionBody) -> String {
        switch body {
        case .from(let from):
            return "\(from.image) platform \(from.platform ?? "-") name \(from.stageName ?? "-") "
                + "\(from.stageNameAsWritten ?? "-") \(from.asKeyword ?? "-")"
        case .arg(let definitions):
            return (definitions.map { $0.name + ($0.value.map { " = \($0)" } ?? "") }).goQuoted
        case .env(let pairs, let legacy), .label(let pairs, let legacy):
            return (legacy ? "legacy " : "") + (pairs.map { "\($0.key) = \($0.value)" }).goQuoted
        case .copy(let copy), .add(let copy): return describe(copy)
        case .run(let run):
            return
                "\(describe(run.command)) \(run.heredocs.map(describe).joined(separator: " ")) from \(run.mountSources)"
        case .cmd(let form), .entrypoint(let form): return describe(form)
        case .shell(let words), .expose(let words), .volume(let words): return words.goQuoted
        case .user(let text), .workdir(let text), .stopsignal(let text), .onbuild(let text), .maintainer(let text):
            return text.goQuoted
        case .healthcheck(.none): return "none"
        case .healthcheck(.command(let form, let options)):
            return "\(describe(form)) \(options.interval) \(options.timeout) \(options.startPeriod) "
                + "\(options.startInterval) \(options.retries)"
        }
    }

    private static func describe(_ form: CommandForm) -> String {
        switch form {
        case .exec(let words): "exec \(words.goQuoted)"
        case .shell(let text): "shell \(text.goQuoted)"
        }
    }

    private static func describe(_ heredoc: Heredoc) -> String {
        "\(heredoc.fileDescriptor)<<\(heredoc.name)\(heredoc.expands ? "" : " raw") \(heredoc.content.goQuoted)"
    }

    private static func describe(_ copy: CopyInstruction) -> String {
        var parts = [copy.sources.goQuoted, copy.destination.goQuoted]
        parts += copy.heredocs.map(describe)
        let texts = [("from", copy.from), ("chown", copy.chown), ("chmod", copy.chmod), ("checksum", copy.checksum)]
        for case (let name, let value?) in texts { parts.append("\(name)=\(value)") }
        let flags = [("keep-git-dir", copy.keepGitDir), ("unpack", copy.unpack)]
        for case (let name, let value?) in flags { parts.append("\(name)=\(value)") }
        if copy.link { parts.append("link") }
        if copy.parents { parts.append("parents") }
        if !copy.excludes.isEmpty { parts.append("excludes \(copy.excludes.goQuoted)") }
        return parts.joined(separator: " ")
    }
}
