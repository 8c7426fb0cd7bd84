import ImgDockerfile
import ImgOCI
import ImgReport

/// Instructions that say how the image is run (§12).
extension StageDispatch {
    // MARK: Commands

    /// CFG-6.
    mutating func dispatch(command form: CommandForm, _ instruction: Instruction) {
        let words = words(of: form, instruction)
        state.config.config.cmd = words.isEmpty ? nil : words
        state.config.config.argsEscaped = true
        state.hasCommand = true
        note(instruction, "CMD \(words.goQuoted)")
    }

    /// CFG-7.
    mutating func dispatch(entrypoint form: CommandForm, _ instruction: Instruction) {
        let words = words(of: form, instruction)
        state.config.config.entrypoint = words.isEmpty ? nil : words
        if !state.hasCommand { state.config.config.cmd = nil }
        note(instruction, "ENTRYPOINT \(words.goQuoted)")
    }

    private mutating func words(of form: CommandForm, _ instruction: Instruction) -> [String] {
        switch form {
        case .exec(let words): return words
        case .shell(let text):
            if state.config.config.shell == nil {
                findings.report(
                    .jsonArgsRecommended,
                    "JSON arguments recommended for \(instruction.keyword.uppercased()) to prevent unintended behavior related to OS signals",
                    at: instruction.range,
                    skipped: instruction.skippedRules
                )
            }
            return (state.config.config.shell ?? ["/bin/sh", "-c"]) + [text]
        }
    }

    /// CFG-9.
    mutating func dispatch(_ check: Healthcheck, _ instruction: Instruction) {
        var config: HealthcheckConfig
        switch check {
        case .none: config = HealthcheckConfig(test: ["NONE"])
        case .command(let form, let options):
            let test =
                switch form {
                case .exec(let words): ["CMD"] + words
                case .shell(let text): ["CMD-SHELL", text]
                }
            config = HealthcheckConfig(
                test: test,
                interval: options.interval,
                timeout: options.timeout,
                startPeriod: options.startPeriod,
                startInterval: options.startInterval,
                retries: Int64(options.retries)
            )
        }
        state.config.config.healthcheck = config
        let durations = [
            ("Interval", config.interval), ("Timeout", config.timeout), ("StartPeriod", config.startPeriod),
            ("StartInterval", config.startInterval),
        ]
        .map { "\($0):\(GoDuration.format($1))" }.joined(separator: " ")
        note(
            instruction,
            "HEALTHCHECK {Test:[\(config.test.joined(separator: " "))] \(durations) Retries:\(config.retries)}"
        )
    }

    /// CFG-10.
    mutating func dispatch(stopSignal word: String, _ instruction: Instruction) throws(BuildError) {
        let operand = instruction.range(ofOperand: 0)
        let signal = try expand(word, instruction, at: operand)
        guard Signals.isKnown(signal) else {
            throw BuildError("invalid signal: \(signal)", at: instruction.range).focused(on: operand)
        }
        state.config.config.stopSignal = signal
        note(instruction, "STOPSIGNAL \(signal)")
    }

    // MARK: Ports, volumes, directories

    /// CFG-5.
    mutating func dispatch(ports words: [String], _ instruction: Instruction) throws(BuildError) {
        var ports: [String] = []
        for (position, word) in words.sortedByBytes().enumerated() {
            do {
                for item in try expander.split(word, state.variables, at: instruction.range) {
                    let spec = try PortSpec(parsing: item)
                    lint(spec, written: item, instruction)
                    ports += spec.containerPorts
                }
            } catch {
                throw error.located(at: instruction.range).focused(on: instruction.range(ofOperand: position))
            }
        }
        state.config.config.exposedPorts.formUnion(ports)
        note(instruction, "EXPOSE [\(ports.joined(separator: " "))]")
    }

    private mutating func lint(_ spec: PortSpec, written: String, _ instruction: Instruction) {
        if spec.hasHostPart {
            findings.report(
                .exposeInvalidFormat,
                "EXPOSE instruction should not define an IP address or host-port mapping, found '\(written)'",
                at: instruction.range,
                skipped: instruction.skippedRules
            )
        }
        if spec.hasUpperCaseProtocol {
            findings.report(
                .exposeProtoCasing,
                "Defined protocol '\(written)' in EXPOSE instruction should be lowercase",
                at: instruction.range,
                skipped: instruction.skippedRules
            )
        }
    }

    /// CFG-13.
    mutating func dispatch(volumes words: [String], _ instruction: Instruction) throws(BuildError) {
        var paths: [String] = []
        for (position, word) in words.enumerated() {
            let operand = instruction.range(ofOperand: position)
            let path = try expand(word, instruction, at: operand)
            guard !path.isEmpty else {
                throw BuildError("VOLUME specified can not be an empty string", at: instruction.range)
                    .focused(on: operand)
            }
            paths.append(path)
        }
        state.config.config.volumes.formUnion(paths)
        note(instruction, "VOLUME [\(paths.joined(separator: " "))]")
    }

    /// CFG-1.
    mutating func dispatch(workdir word: String, _ instruction: Instruction) throws(BuildError) {
        let value = try expand(word, instruction, at: instruction.range(ofOperand: 0))
        if !value.hasPrefix("/"), !state.hasWorkdir {
            findings.report(
                .workdirRelativePath,
                "Relative workdir \(value.goQuoted) can have unexpected results if the base image changes",
                at: instruction.range,
                skipped: instruction.skippedRules
            )
        }
        state.hasWorkdir = true
        let current = state.config.config.workingDir
        let path =
            if value.isEmpty {
                current.isEmpty ? "/" : current
            } else {
                value.hasPrefix("/") ? value : PathCleaning.clean("\(state.workdir)/\(value)")
            }
        state.config.config.workingDir = path
        guard path != "/" else { return note(instruction, "WORKDIR /") }
        let user = state.config.config.user
        if let (kind, name) = ChownSpec(parsing: user).nameToResolve, !state.hasFileSystem {
            throw .noFileSystem(kind, name, at: instruction.range)
        }
        let step = WorkdirStep(path: state.workdir, user: user)
        state.steps.append(Step(range: instruction.range, action: .workdir(step), createdBy: "WORKDIR \(path)"))
        state.hasFileSystem = true
    }
}
