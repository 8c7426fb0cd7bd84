import ImgDockerfile
import ImgReport
import ImgTestKit
import Testing

@Suite("Broken input")
struct FuzzTests {
    private static let seed = """
        # escape=\\
        # check=skip=all;error=true
        ARG A="x y" B=$A
        FROM --platform=$X a:$B AS b
        COPY --chown=1:2 --exclude=*.o <<-"EOF" <<E2 a /d
        \tone ${A:-${B%%*?}}
        EOF
        two
        E2
        RUN --mount=type=bind,"from=b",target=/x ["a", "\\u00e9"]
        ENV a='b c' d="e\\"f" g=${A//x/y}
        ONBUILD HEALTHCHECK --interval=1h2.5s CMD curl \\
          # note

          x
        EXPOSE 80-90/udp $A
        *.txt
        !**/keep/[a-z^]*
        """
    private static let words = [
        "${", "}", "$", "\\\n", "\"", "'", "<<", "EOF", "**", "[", "]", "!", "/", "ONBUILD ", "\r\n", ":-", "#", "%",
        "=",
    ]

    @Test("Mutations of a Dockerfile end with a result", .timeLimit(.minutes(1)))
    func mutations() {
        var dice = Dice(seed: 42)
        let clock = ContinuousClock()
        let end = clock.now + .seconds(2)
        var rounds = 0
        while clock.now < end {
            var bytes = Array(Self.seed.utf8)
            for _ in 0..<dice.number(1...12) {
                let place = dice.number(0...bytes.count - 1)
                switch dice.number(1...4) {
                case 1: bytes[place] = UInt8(dice.number(0...255))
                case 2: bytes.removeSubrange(place..<min(place + 5, bytes.count - 1))
                case 3: bytes.insert(contentsOf: dice.pick(Self.words).utf8, at: place)
                default:
                    bytes.insert(
                        contentsOf: bytes[place...].prefix(40),
                        at: dice.number(0...bytes.count - 1)
                    )
                }
            }
            FuzzEntry.dockerfile(bytes)
            FuzzEntry.expansion(bytes)
            FuzzEntry.ignore(bytes)
            expectPlacesInside(bytes)
            rounds += 1
        }
        #expect(rounds > 10)
    }

    @Test("Long repetitions neither overflow the stack nor take for ever", .timeLimit(.minutes(1)))
    func repetitions() {
        for word in ["ONBUILD ", "${a:-", "\"", "<<A ", "\\\n", "[", "[\"", "a=b ", "--x ", "**/", "${a//", "#\n"] {
            let bytes = Array(("FROM a\nCOPY " + String(repeating: word, count: 2000)).utf8)
            FuzzEntry.dockerfile(bytes)
            expectPlacesInside(bytes)
            FuzzEntry.dockerfile(Array(String(repeating: word, count: 2000).utf8))
            FuzzEntry.expansion(bytes)
            FuzzEntry.ignore(bytes)
        }
    }

    /// What is found points into the file.
    private func expectPlacesInside(_ bytes: [UInt8]) {
        let (dockerfile, diagnostics) = Dockerfile.parse(SourceFile(name: "Dockerfile", bytes: bytes))
        let ranges = dockerfile.instructions.flatMap { [$0.range] + $0.operandRanges } + diagnostics.compactMap(\.range)
        for range in ranges
        where !(0 <= range.lowerBound && range.lowerBound <= range.upperBound)
            || range.upperBound > bytes.count
        {
            Issue.record("\(range.lowerBound)..<\(range.upperBound) of \(String(decoding: bytes, as: UTF8.self))")
        }
    }
}
