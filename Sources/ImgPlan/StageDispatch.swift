import ImgDockerfile
import ImgOCI
import ImgReport

/// Runs the instructions of one stage over its state.
struct StageDispatch {
    let inputs: PlanInputs
    let survey: StageSurvey
    let expander: Expander
    /// Position of a reached stage in the plan, by position in the source.
    let positions: [Int: Int]
    /// Of the stage, in the source.
    let index: Int
    var state: StageState
    var findings: Findings

    /// One instruction.
    mutating func dispatch(_ instruction: Instruction) throws(BuildError) {
        switch instruction.body {
        case .from: break
        case .arg(let definitions): try dispatch(arguments: definitions, instruction)
        case .env(let pairs, let legacy): try dispatch(environment: pairs, legacy: legacy, instruction)
        case .label(let pairs, let legacy): try dispatch(labels: pairs, legacy: legacy, instruction)
        case .copy(let copy): try dispatch(copy, .copy, instruction)
        case .add(let copy): try dispatch(copy, .add, instruction)
        case .run: break
        case .cmd(let form): dispatch(command: form, instruction)
        case .entrypoint(let form): dispatch(entrypoint: form, instruction)
        case .shell(let words):
            state.config.config.shell = words
            note(instruction, "SHELL [\(words.joined(separator: " "))]")
        case .expose(let ports): try dispatch(ports: ports, instruction)
        case .volume(let paths): try dispatch(volumes: paths, instruction)
        case .user(let word):
            let user = try expand(word, instruction, at: instruction.range(ofOperand: 0))
            state.config.config.user = user
            note(instruction, "USER \(user)")
        case .workdir(let word): try dispatch(workdir: word, instruction)
        case .stopsignal(let word): try dispatch(stopSignal: word, instruction)
        case .healthcheck(let check): dispatch(check, instruction)
        case .onbuild(let text): state.config.config.onBuild.append(text)
        case .maintainer(let author):
            state.config.author = author
            note(instruction, "MAINTAINER \(author)")
        }
    }

    /// A history entry without a layer.
    mutating func note(_ instruction: Instruction, _ text: String) {
        state.steps.append(Step(range: instruction.range, action: .metadata, createdBy: text))
    }

    /// Expands a word with the variables of the stage.
    ///
    /// - Parameter part: Where the word stands; a failure points there.
    mutating func expand(
        _ word: String,
        _ instruction: Instruction,
        at part: SourceRange?
    ) throws(BuildError) -> String {
        let result: Expander.Result
        do {
            result = try expander.expand(word, state.variables, at: instruction.range)
        } catch {
            throw error.focused(on: part)
        }
        for name in result.unset { warnOfUndefined(name, instruction) }
        return result.text
    }

    mutating func warnOfUndefined(_ name: String, _ instruction: Instruction) {
        guard !state.declared.contains(name) else { return }
        let suffix = Suggestion.nearest(name, among: state.variables.names).map { " (did you mean $\($0)?)" } ?? ""
        findings.report(
            .undefinedVar,
            "Usage of undefined variable '$\(name)'\(suffix)",
            at: instruction.range,
            skipped: instruction.skippedRules
        )
    }

    // MARK: Variables

    /// ARG-3…ARG-6, CFG-15.
    private mutating func dispatch(arguments: [ArgDefinition], _ instruction: Instruction) throws(BuildError) {
        let given = inputs.planArgs
        var texts: [String] = []
        for (position, argument) in arguments.enumerated() {
            var value = given[argument.name]
            if value == nil, let word = argument.value {
                value = try expand(word, instruction, at: instruction.range(ofOperand: position))
            } else if value == nil {
                value = survey.graph.globals.variables[argument.name]
            }
            state.declared.insert(argument.name)
            if let value, !PlanInputs.hiddenNames.contains(argument.name) { state.variables[argument.name] = value }
            texts.append(value.map { "\(argument.name)=\($0)" } ?? argument.name)
        }
        note(instruction, "ARG \(texts.joined(separator: " "))")
    }

    /// All words see the environment before the instruction (EXP-1).
    private mutating func expand(
        pairs: [KeyValue],
        legacy: Bool,
        _ instruction: Instruction
    ) throws(BuildError) -> [(key: String, value: String)] {
        var expanded: [(key: String, value: String)] = []
        for (position, pair) in pairs.enumerated() {
            let key = instruction.range(ofOperand: position)
            // In the legacy form the value stands behind the operand, which is the name alone.
            let value = legacy ? nil : key
            expanded.append(
                (try expand(pair.key, instruction, at: key), try expand(pair.value, instruction, at: value))
            )
        }
        return expanded
    }

    private mutating func dispatch(
        environment: [KeyValue],
        legacy: Bool,
        _ instruction: Instruction
    ) throws(BuildError) {
        let pairs = try expand(pairs: environment, legacy: legacy, instruction)
        for (key, value) in pairs {
            state.setEnvironment(key, value)
            state.variables[key] = value
        }
        note(instruction, "ENV \(pairs.map { "\($0.key)=\($0.value)" }.joined(separator: " "))")
    }

    private mutating func dispatch(
        labels: [KeyValue],
        legacy: Bool,
        _ instruction: Instruction
    ) throws(BuildError) {
        let pairs = try expand(pairs: labels, legacy: legacy, instruction)
        for (key, value) in pairs { state.config.config.labels[key] = value }
        note(instruction, "LABEL \(pairs.map { "\($0.key)=\($0.value)" }.joined(separator: " "))")
    }
}
