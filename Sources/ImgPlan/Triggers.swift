import ImgDockerfile
import ImgReport

/// ONBUILD triggers as instructions (CFG-12).
enum Triggers {
    /// Parses stored triggers; every instruction and error has its place at the FROM line that runs it.
    static func parse(_ texts: [String], at range: SourceRange) throws(BuildError) -> [Instruction] {
        var instructions: [Instruction] = []
        for text in texts {
            do {
                instructions.append(try Instruction.parseTrigger(text, at: range))
            } catch {
                var explained = error
                for index in explained.diagnostics.indices {
                    explained.diagnostics[index].notes.append("trigger: ONBUILD \(text)")
                }
                throw explained
            }
        }
        return instructions
    }
}
