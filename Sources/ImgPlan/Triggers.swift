import ImgDockerfile
import ImgReport

/// ONBUILD triggers as instructions (CFG-12).
enum Triggers {
    /// Parses stored triggers; every instruction and error has its place at the FROM line that runs it.
    static func parse(_ texts: [String], at range: SourceRange) throws(BuildError) -> [Instruction] {
        var instructions: [Instruction] = []
        for text in texts {
            do {
                var instruction = try instruction(text)
                instruction.range = range
                instructions.append(instruction)
            } catch {
                var moved = error
                for index in moved.diagnostics.indices {
                    moved.diagnostics[index].range = range
                    moved.diagnostics[index].notes.append("trigger: ONBUILD \(text)")
                }
                throw moved
            }
        }
        return instructions
    }

    private static func instruction(_ text: String) throws(BuildError) -> Instruction {
        // A stage of its own makes the trigger a complete Dockerfile.
        let file = SourceFile(name: "ONBUILD", bytes: Array("FROM scratch\n\(text)\n".utf8))
        let (dockerfile, diagnostics) = Dockerfile.parse(file)
        if let failure = diagnostics.first(where: { $0.severity == .error }) {
            var plain = failure
            plain.message = withoutLine(failure.message)
            throw BuildError(.failure, diagnostics: [plain])
        }
        guard dockerfile.instructions.count == 2 else {
            throw BuildError("onbuild trigger should be a single expression")
        }
        return dockerfile.instructions[1]
    }

    /// The line would count inside the trigger.
    private static func withoutLine(_ message: String) -> String {
        let prefix = "dockerfile parse error on line "
        guard message.hasPrefix(prefix), let end = message.firstRange(of: ": ") else { return message }
        return String(message[end.upperBound...])
    }
}
