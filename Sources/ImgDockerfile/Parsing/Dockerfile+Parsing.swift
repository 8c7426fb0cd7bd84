package import ImgReport

extension Dockerfile {
    /// Parses a Dockerfile and goes on after a mistake.
    ///
    /// An error of the first phase is the only one reported, whatever stands before it (LEX-18), and leaves no
    /// instructions; of the second phase, those with a mistake are left out of the result.
    package static func parse(_ file: SourceFile) -> (Dockerfile, [Diagnostic]) {
        var lexer = Lexer(file)
        var diagnostics: [Diagnostic] = []
        var isLexed = true
        do { try lexer.run() } catch {
            diagnostics = error.diagnostics
            isLexed = false
        }
        var dockerfile = Dockerfile(file: file, directives: Directives(escape: lexer.escape), instructions: [])
        let directiveFindings = dockerfile.readDirectives()
        if isLexed {
            var validator = Validator()
            for raw in lexer.instructions { validator.add(raw) }
            dockerfile.instructions = validator.instructions
            diagnostics = directiveFindings + validator.diagnostics
            if !diagnostics.contains(where: { $0.severity == .error }), !validator.hasStage {
                diagnostics.append(
                    Diagnostic(
                        .error,
                        "dockerfile contains no stages to build",
                        hints: ["a stage begins with FROM, such as FROM scratch"]
                    )
                )
            }
        }
        return (dockerfile, diagnostics)
    }

    /// Fills in `syntax` and `check` (DIR-7, DIR-8).
    private mutating func readDirectives() -> [Diagnostic] {
        var findings: [Diagnostic] = []
        for directive in DirectiveReader.rawDirectives(of: file) {
            switch directive.name {
            case "check":
                do throws(BuildError) {
                    directives.check = try CheckOptions(parsing: TextBytes.text(directive.value))
                } catch {
                    findings += error.diagnostics
                }
            case "syntax":
                let image = TextBytes.text(directive.value.prefix { $0 != UInt8(ascii: " ") })
                directives.syntax = image
                if !Self.isStandardFrontend(image) {
                    findings.append(
                        Diagnostic(
                            .warning,
                            "the frontend \(image) of the syntax directive is not used: "
                                + "the Dockerfile is read as docker/dockerfile would",
                            at: directive.line.map { SourceRange(file: file, lines: $0...$0) }
                        )
                    )
                }
            default: break
            }
        }
        return findings
    }

    private static func isStandardFrontend(_ image: String) -> Bool {
        ["docker/dockerfile", "docker.io/docker/dockerfile"].contains { image.hasPrefix($0) }
    }
}

/// Validates lexed instructions in order and keeps track of whether a stage has begun.
private struct Validator {
    private(set) var instructions: [Instruction] = []
    private(set) var diagnostics: [Diagnostic] = []
    private(set) var hasStage = false
    private var hasComplainedAboutStage = false

    mutating func add(_ raw: RawInstruction) {
        do throws(ValidationError) {
            let instruction = try Instruction(raw)
            switch instruction.body {
            case .from: hasStage = true
            case .arg: break
            default:
                if !hasStage { return complainAboutStage(raw) }
            }
            instructions.append(instruction)
        } catch {
            // What follows a misspelt FROM is not at fault.
            if !hasStage { hasComplainedAboutStage = true }
            diagnostics.append(
                Diagnostic(
                    .error,
                    "dockerfile parse error on line \(raw.range.startLine): \(error.message)",
                    at: error.stretch.map(raw.line.range) ?? raw.range,
                    hints: error.hints
                )
            )
        }
    }

    /// PAR-5, once.
    private mutating func complainAboutStage(_ raw: RawInstruction) {
        if hasComplainedAboutStage { return }
        hasComplainedAboutStage = true
        diagnostics.append(
            Diagnostic(
                .error,
                "no build stage in current context",
                at: raw.range,
                hints: ["only ARG may stand before the first FROM"]
            )
        )
    }
}

extension Instruction {
    init(_ raw: RawInstruction) throws(ValidationError) {
        let parser = InstructionParser(raw: raw)
        let body = try parser.body()
        let operands =
            switch body {
            case .expose: parser.sortedOperands
            case .copy, .add: parser.copyOperands
            default: parser.operands
            }
        var flagRanges: [String: SourceRange] = [:]
        for flag in raw.flags {
            let name = flag.bytes.dropFirst(2).prefix { $0 != UInt8(ascii: "=") }
            flagRanges[TextBytes.text(name)] = raw.line.range(flag.stretch)
        }
        self.init(
            keyword: raw.keyword.text,
            range: raw.range,
            comments: raw.comments,
            skippedRules: CheckOptions.skippedRules(by: raw.comments),
            original: TextBytes.text(TextBytes.trimmed(raw.line.bytes)),
            hasEmptyContinuation: raw.hasEmptyContinuation,
            body: body,
            operandRanges: operands.map { raw.line.range($0.stretch) },
            flagRanges: flagRanges
        )
    }

    /// Parses a stored ONBUILD trigger: one instruction, escape `\`, errors without prefix (CFG-12).
    ///
    /// - Parameter range: The FROM that fires it; the instruction and all errors are located there.
    package static func parseTrigger(_ text: String, at range: SourceRange) throws(BuildError) -> Instruction {
        var lexer = Lexer(SourceFile(name: "ONBUILD", bytes: Array(text.utf8)), readsDirectives: false)
        do throws(BuildError) { try lexer.run() } catch {
            throw BuildError(.failure, diagnostics: error.diagnostics.map { $0.moved(to: range) })
        }
        guard lexer.instructions.count == 1, let raw = lexer.instructions.first else {
            throw BuildError("onbuild trigger should be a single expression", at: range)
        }
        do throws(ValidationError) {
            var instruction = try Instruction(raw)
            if case .from = instruction.body {
                throw ValidationError(message: "FROM isn't allowed as an ONBUILD trigger")
            }
            instruction.range = range
            instruction.operandRanges = []
            instruction.flagRanges = [:]
            return instruction
        } catch {
            throw BuildError(error.message, at: range, notes: ["the trigger is \(text)"], hints: error.hints)
        }
    }
}

extension Diagnostic {
    fileprivate func moved(to range: SourceRange) -> Diagnostic {
        var copy = self
        copy.range = range
        return copy
    }
}
