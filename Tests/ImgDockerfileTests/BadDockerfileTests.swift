import ImgDockerfile
import ImgReport
import Testing

/// `fixtures/dockerfile/bad/<case>`: `Dockerfile` and, in `diagnostics.txt`, one `<line>: <severity>: <message>` each.
@Suite struct BadDockerfileTests {
    @Test(arguments: try Fixtures.names(in: "bad"))
    func saysWhatIsWrong(_ name: String) throws {
        let text = try Fixtures.bytes("bad/\(name)/Dockerfile")
        let (_, diagnostics) = Dockerfile.parse(SourceFile(name: "Dockerfile", bytes: text))
        let found = diagnostics.map { diagnostic in
            let line = diagnostic.range.map { String($0.startLine) } ?? "-"
            return "\(line): \(diagnostic.severity.rawValue): \(diagnostic.message)\n"
        }
        let expected = String(decoding: try Fixtures.bytes("bad/\(name)/diagnostics.txt"), as: UTF8.self)
        #expect(found.joined() == expected)
    }

    @Test func namesTheFirstLineToo() {
        let bytes = Array("FROM scratch\nENV A=1 \\\n  BB\n".utf8)
        let (_, diagnostics) = Dockerfile.parse(SourceFile(name: "Dockerfile", bytes: bytes))
        #expect(diagnostics.map(\.notes) == [["the instruction begins on line 2"]])
    }

    @Test(arguments: [
        ("FROM scratch\nCOPY --owner=1 a /a\n", "--owner=1"),
        ("FROM scratch\n  COPPY a /a\n", "COPPY"),
        ("FROM scratch AS 1b\n", "1b"),
        ("FROM scratch\nENV A=1 \\\n  BB\n", "BB"),
        ("FROM scratch\nCMD [\"a\", \\\n  1]\n", "[\"a\", \\\n  1]"),
        ("FROM scratch\nCOPY <<EOF /a\nx\n", "COPY <<EOF /a\nx"),
        ("FROM scratch\nCOPY \\\n a\n", "COPY \\\n a"),
        ("FROM scratch\nHEALTHCHECK --retries=x CMD y\n", "--retries=x"),
    ])
    func pointsAtTheWords(_ text: String, _ expected: String) throws {
        let bytes = Array(text.utf8)
        let (_, diagnostics) = Dockerfile.parse(SourceFile(name: "Dockerfile", bytes: bytes))
        let range = try #require(diagnostics.first?.range)
        #expect(String(decoding: bytes[range.lowerBound..<range.upperBound], as: UTF8.self) == expected)
    }
}
