package import ImgReport

extension Dockerfile {
    /// Reads a Dockerfile, going on after faults.
    ///
    /// Faults of the text come before those of single instructions, whatever their lines (LEX-18).
    /// - Returns: The instructions that are right, and what there is to say; with an error among the diagnostics the
    ///   first error is the cause.
    package static func parse(_ file: SourceFile) -> (Dockerfile, [Diagnostic]) {
        let reader = DockerfileReader(file)
        var diagnostics = reader.diagnostics
        var instructions: [Instruction] = []
        var hasStage = false
        var isStageMissing = false
        for lexed in reader.instructions {
            let range = SourceRange(file: file, lines: lexed.line.firstLine...lexed.line.lastLine)
            do {
                let body = try InstructionParser(lexed: lexed).body()
                switch body {
                case .from: hasStage = true
                case .arg: break
                default:
                    if !hasStage, !isStageMissing {
                        diagnostics.append(Diagnostic(.error, "no build stage in current context", at: range))
                        isStageMissing = true
                    }
                }
                instructions.append(Instruction(lexed, range: range, body: body))
            } catch {
                if lexed.name == "FROM" { hasStage = true }
                let message = "dockerfile parse error on line \(lexed.line.firstLine): \(error.message)"
                diagnostics.append(Diagnostic(.error, message, at: range))
            }
        }
        if !hasStage, !diagnostics.contains(where: { $0.severity == .error }) {
            diagnostics.append(Diagnostic(.error, "dockerfile contains no stages to build"))
        }
        let dockerfile = Dockerfile(file: file, directives: reader.directives, instructions: instructions)
        return (dockerfile, diagnostics)
    }
}

extension Instruction {
    /// Reads a stored trigger of ONBUILD (CFG-12); its escape token is always `\`.
    ///
    /// - Parameter range: The FROM that fires it; everything about the trigger is located there (ERR-5).
    /// - Throws: `BuildError` when it is malformed or not exactly one instruction.
    package static func parseTrigger(_ text: String, at range: SourceRange) throws(BuildError) -> Instruction {
        let reader = DockerfileReader(SourceFile(name: "ONBUILD", bytes: Array(text.utf8)))
        if let fault = reader.diagnostics.first(where: { $0.severity == .error }) {
            throw BuildError(fault.message, at: range)
        }
        guard let lexed = reader.instructions.first, reader.instructions.count == 1 else {
            throw BuildError("onbuild trigger should be a single expression", at: range)
        }
        if lexed.name == "FROM" { throw BuildError("FROM isn't allowed as an ONBUILD trigger", at: range) }
        do {
            return Instruction(lexed, range: range, body: try InstructionParser(lexed: lexed).body())
        } catch {
            throw BuildError(error.message, at: range)
        }
    }

    fileprivate init(_ lexed: LexedInstruction, range: SourceRange, body: InstructionBody) {
        self.init(
            keyword: lexed.keyword,
            range: range,
            comments: lexed.line.comments,
            skippedRules: Self.skippedRules(lexed.line.comments),
            original: lexed.original,
            hasEmptyContinuation: lexed.line.hasEmptyContinuation,
            body: body
        )
    }

    /// LINT-4; of a value only what precedes the first space counts.
    private static func skippedRules(_ comments: [String]) -> Set<String> {
        var rules: Set<String> = []
        for comment in comments {
            guard let (name, value) = ParserDirectives.assignment(Array(comment.utf8)[...]), name == "check" else {
                continue
            }
            let text = String(String.UnicodeScalarView(value.unicodeScalars.prefix { $0 != " " }))
            guard let options = try? CheckOptions(parsing: text) else { continue }
            rules.formUnion(options.skip)
            if options.skipAll { rules.insert("all") }
        }
        return rules
    }
}
