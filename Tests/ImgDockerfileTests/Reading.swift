import ImgDockerfile
import ImgReport

/// What became of a Dockerfile's text.
func read(_ text: String) -> (dockerfile: Dockerfile, errors: [String], diagnostics: [Diagnostic]) {
    let (dockerfile, diagnostics) = Dockerfile.parse(SourceFile(name: "Dockerfile", bytes: Array(text.utf8)))
    return (dockerfile, diagnostics.filter { $0.severity == .error }.map(\.message), diagnostics)
}

/// The bodies of the instructions behind `FROM scratch`, which must be right.
func bodies(_ text: String) -> [InstructionBody] {
    let (dockerfile, errors, _) = read("FROM scratch\n" + text)
    return errors.isEmpty ? dockerfile.instructions.dropFirst().map(\.body) : []
}

/// The body of the only instruction behind `FROM scratch`.
func body(_ text: String) -> InstructionBody? {
    let bodies = bodies(text)
    return bodies.count == 1 ? bodies[0] : nil
}

func copy(_ sources: [String], _ destination: String) -> CopyInstruction {
    CopyInstruction(sources: sources, heredocs: [], destination: destination)
}
