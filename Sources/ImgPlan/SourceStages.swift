import ImgDockerfile
import ImgReport

/// A Dockerfile cut at its FROM lines.
struct SourceStages {
    struct Stage {
        var index: Int
        var from: FromInstruction
        var line: Instruction
        var instructions: ArraySlice<Instruction>

        /// For messages.
        var title: String { from.stageName ?? "stage-\(index)" }
    }

    private(set) var stages: [Stage] = []
    private(set) var globalArguments: ArraySlice<Instruction> = []

    init(_ dockerfile: Dockerfile) throws(BuildError) {
        let instructions = dockerfile.instructions
        guard !instructions.isEmpty else { throw BuildError("file with no instructions") }
        var start = instructions.endIndex
        for (position, instruction) in instructions.enumerated() {
            guard case .from(let from) = instruction.body else {
                if case .arg = instruction.body { continue }
                guard stages.isEmpty else { continue }
                throw BuildError("no build stage in current context", at: instruction.range)
            }
            if stages.isEmpty { start = position } else { end(at: position, instructions) }
            stages.append(
                Stage(index: stages.count, from: from, line: instruction, instructions: instructions[position...])
            )
        }
        guard !stages.isEmpty else { throw BuildError("dockerfile contains no stages to build") }
        end(at: instructions.endIndex, instructions)
        globalArguments = instructions[..<start]
    }

    private mutating func end(at position: Int, _ instructions: [Instruction]) {
        let last = stages.count - 1
        stages[last].instructions = instructions[(stages[last].instructions.startIndex + 1)..<position]
    }
}
