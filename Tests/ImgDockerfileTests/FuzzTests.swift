import ImgDockerfile
import Testing

@Suite("Broken input")
struct FuzzTests {
    /// The same sequence on every run.
    private struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }

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
        var dice = Dice(state: 42)
        let clock = ContinuousClock()
        let end = clock.now + .seconds(2)
        var rounds = 0
        while clock.now < end {
            var bytes = Array(Self.seed.utf8)
            for _ in 0..<Int.random(in: 1...12, using: &dice) {
                let place = Int.random(in: 0..<bytes.count, using: &dice)
                switch Int.random(in: 0..<4, using: &dice) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &dice)
                case 1: bytes.removeSubrange(place..<min(place + 5, bytes.count - 1))
                case 2: bytes.insert(contentsOf: (Self.words.randomElement(using: &dice) ?? "").utf8, at: place)
                default:
                    bytes.insert(
                        contentsOf: bytes[place...].prefix(40),
                        at: Int.random(in: 0..<bytes.count, using: &dice)
                    )
                }
            }
            FuzzEntry.dockerfile(bytes)
            FuzzEntry.expansion(bytes)
            FuzzEntry.ignore(bytes)
            rounds += 1
        }
        #expect(rounds > 10)
    }

    @Test("Long repetitions neither overflow the stack nor take for ever", .timeLimit(.minutes(1)))
    func repetitions() {
        for word in ["ONBUILD ", "${a:-", "\"", "<<A ", "\\\n", "[", "[\"", "a=b ", "--x ", "**/", "${a//", "#\n"] {
            let bytes = Array(("FROM a\nCOPY " + String(repeating: word, count: 2000)).utf8)
            FuzzEntry.dockerfile(bytes)
            FuzzEntry.dockerfile(Array(String(repeating: word, count: 2000).utf8))
            FuzzEntry.expansion(bytes)
            FuzzEntry.ignore(bytes)
        }
    }
}
