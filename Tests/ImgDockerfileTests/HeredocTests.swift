import ImgDockerfile
import ImgReport
import Testing

@Suite("Heredocs")
struct HeredocTests {
    private func heredocs(_ text: String) -> [Heredoc]? {
        switch body(text) {
        case .copy(let copy), .add(let copy): copy.heredocs
        case .run(let run): run.heredocs
        default: nil
        }
    }

    @Test(
        "HD-2, HD-5…HD-7: bodies",
        arguments: [
            ("COPY <<EOF /d\na\n b \\\n# c\nEOF\n", "EOF", "a\n b \\\n# c\n", true),
            ("COPY <<-E /d\n\t\ta\n\t b\n\tE", "E", "a\n b\n", true),
            ("COPY <<\"E\" /d\n$x\nE", "E", "$x\n", false), ("COPY <<E'O'F /d\nEOF", "EOF", "", false),
            ("COPY <<\\E /d\nx\nE", "E", "x\n", true),
            ("COPY <<E /d\r\nx\r\nE\r\n", "E", "x\r\n", true), ("RUN <<E\nx\nE", "E", "x\n", true),
            ("ADD <<E /d\nx\nE", "E", "x\n", true),
            ("COPY <<E /d\nE \nE", "E", "E \n", true), ("RUN cat 3<<E\nx\nE", "E", "x\n", true),
            ("copy <<a.txt /d\nx\na.txt", "a.txt", "x\n", true),
            ("RUN echo ${a:-x y} <<E\nx\nE", "E", "x\n", true), ("RUN echo \"a b\" 'c' <<E\nx\nE", "E", "x\n", true),
            ("COPY \\\n<<E /d\nx\nE", "E", "x\n", true), ("RUN << E\nx\nE", "E", "x\n", true),
        ] as [(String, String, String, Bool)]
    )
    func content(text: String, name: String, content: String, expands: Bool) {
        let found = heredocs(text)
        #expect(found?.map(\.name) == [name])
        #expect(found?.map(\.content) == [content])
        #expect(found?.map(\.expands) == [expands])
    }

    @Test(
        "HD-1, HD-2, HD-4: what is no heredoc",
        arguments: [
            "RUN a<<EOF", "RUN <<<x", "RUN \"<<EOF\"", "RUN $((1<<2))", "CMD <<EOF", "RUN [\"<<EOF\"]",
            "RUN echo it's <<EOF", "RUN '<<EOF'",
        ]
    )
    func noHeredoc(text: String) {
        #expect(bodies(text + "\nUSER x").count == 2)
    }

    @Test("HD-2: the descriptor")
    func descriptor() {
        #expect(heredocs("RUN cat 3<<E\nE")?.map(\.fileDescriptor) == [3])
    }

    @Test("HD-6: a missing terminator")
    func unterminated() {
        let (_, errors, diagnostics) = read("FROM a\nCOPY <<E /d\nx\n E\n")
        #expect(errors == ["unterminated heredoc"])
        #expect(diagnostics.first?.range?.startLine == 2)
    }

    @Test("HD-11…HD-14: several, of one name, in JSON form, as destination")
    func operands() {
        #expect(heredocs("COPY <<A x <<B /d/\n1\nA\n2\nB")?.map(\.content) == ["1\n", "2\n"])
        #expect(heredocs("COPY <<A <<A /d/\n1\nA\n2\nA")?.map(\.content) == ["2\n", "2\n"])
        #expect(heredocs("COPY [\"<<EOF\",\"/d\"]")?.map(\.content) == [""])
        let problem = "dockerfile parse error on line 2: COPY cannot accept a heredoc as a destination"
        #expect(read("FROM a\nCOPY x <<E\nE").errors == [problem])
        #expect(body("COPY << EOF /d\nx\nEOF") == .copy(copy(["<<", "EOF"], "/d")))
    }

    @Test("HD-4: an unbalanced quote makes the body instructions")
    func unbalanced() {
        #expect(
            read("FROM a\nRUN echo it's <<EOF\nx\nEOF").errors.first
                == "dockerfile parse error on line 3: unknown instruction: x"
        )
    }

    @Test("HD-15: triggers keep their bodies, and give them back")
    func triggers() throws {
        #expect(body("ONBUILD  COPY <<-E  /d\n\tx\n\tE") == .onbuild("COPY <<-E  /d\n\tx\nE"))
        let dockerfile = read("FROM a").dockerfile
        let trigger = try Instruction.parseTrigger("COPY <<E /d\nx\nE", at: dockerfile.instructions[0].range)
        #expect(trigger.range.startLine == 1)
        guard case .copy(let copy) = trigger.body else { throw Unexpected() }
        #expect(copy.heredocs.map(\.content) == ["x\n"])
    }

    private struct Unexpected: Error {}
}
