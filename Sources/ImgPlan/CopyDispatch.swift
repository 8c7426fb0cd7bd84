import ImgDockerfile
import ImgOCI
import ImgReport

/// COPY and ADD (§9, §10).
extension StageDispatch {
    mutating func dispatch(
        _ copy: CopyInstruction,
        _ verb: CopyStep.Verb,
        _ instruction: Instruction
    ) throws(BuildError) {
        let words = try expandOperands(of: copy, instruction)
        var step = CopyStep(
            verb: verb,
            sources: [],
            from: try origin(of: copy, instruction),
            destination: absolute(words.destination)
        )
        // What is looked at, for the caret.
        var part: SourceRange?
        do throws(BuildError) {
            for (position, source) in words.sources.enumerated() {
                part = instruction.range(ofOperand: position)
                step.sources.append(try Self.classify(source, verb))
            }
            part = nil
            try Self.check(&step, checksum: words.checksum, keepGitDir: copy.keepGitDir)
            part = instruction.flagRanges["chmod"]
            if let chmod = words.chmod { step.chmod = try ChmodSpec(parsing: chmod) }
        } catch {
            throw error.located(at: instruction.range).focused(on: part)
        }
        step.heredocs = try heredocs(of: copy, instruction)
        step.owner = words.chown.map(ChownSpec.init(parsing:))
        step.link = copy.link && step.chmod == nil
        step.parents = copy.parents
        step.excludes = copy.excludes
        step.unpack = copy.unpack
        if let (kind, name) = step.owner?.nameToResolve, !state.hasFileSystem || step.link {
            throw .noFileSystem(kind, name, at: instruction.range)
        }
        lintIgnored(step, instruction)
        let text = Self.history(verb, words, parents: copy.parents, heredocs: step.heredocs.map(\.name))
        state.steps.append(Step(range: instruction.range, action: .copy(step), createdBy: text))
        state.hasFileSystem = true
    }

    /// The expanded words of a COPY or ADD; empty flags count as absent (FLG-6).
    private struct Operands {
        var sources: [String] = []
        var destination = ""
        var chown: String?
        var chmod: String?
        var checksum: String?
    }

    private mutating func expandOperands(
        of copy: CopyInstruction,
        _ instruction: Instruction
    ) throws(BuildError) -> Operands {
        var operands = Operands()
        for (position, source) in copy.sources.enumerated() {
            operands.sources.append(try expand(source, instruction, at: instruction.range(ofOperand: position)))
        }
        let last = instruction.range(ofOperand: copy.sources.count + copy.heredocs.count)
        operands.destination = try expand(copy.destination, instruction, at: last)
        operands.chown = try expand(flag: "chown", copy.chown, instruction)
        operands.chmod = try expand(flag: "chmod", copy.chmod, instruction)
        operands.checksum = try expand(flag: "checksum", copy.checksum, instruction)
        return operands
    }

    private mutating func expand(
        flag name: String,
        _ value: String?,
        _ instruction: Instruction
    ) throws(BuildError) -> String? {
        guard let value else { return nil }
        let text = try expand(value, instruction, at: instruction.flagRanges[name])
        return text.isEmpty ? nil : text
    }

    private mutating func origin(
        of copy: CopyInstruction,
        _ instruction: Instruction
    ) throws(BuildError) -> CopyOrigin {
        let origin = try survey.origin(of: copy, at: instruction.range, in: index)
        switch origin {
        case .context: return .context
        case .image(let request):
            warnOfForeignFiles(of: request, instruction)
            return .image(request)
        case .named(let context): return .named(context)
        case .scratch: return try planned(StageDispatch.scratchIndex, instruction)
        case .stage(let stage): return try planned(stage, instruction)
        }
    }

    /// An image of another platform, which only gets here where that is allowed.
    private mutating func warnOfForeignFiles(of request: BaseRequest, _ instruction: Instruction) {
        guard inputs.purpose == .build, let found = survey.bases[request]?.config.platform,
            request.platform.matchRank(of: found) == nil
        else { return }
        findings.ofEveryPlatform {
            $0.warn(
                "\(request.source) is for \(found.normalized), not for \(request.platform): its programs may not run there",
                at: instruction.range
            )
        }
    }

    /// Where a stage stands in the plan; the survey has put everything there that a COPY names.
    private func planned(_ stage: Int, _ instruction: Instruction) throws(BuildError) -> CopyOrigin {
        guard let position = positions[stage] else {
            throw BuildError(
                "the source of this instruction was not planned",
                at: instruction.range,
                hints: ["this is a mistake in imgbuild; please report it with the Dockerfile"]
            )
        }
        return .stage(position)
    }

    /// Stands for `COPY --from=scratch`, a stage that is in no Dockerfile.
    static let scratchIndex = -1

    /// CP-9; `.` and a trailing `/` say that a directory is meant, and stay.
    private func absolute(_ destination: String) -> String {
        if destination.hasPrefix("/") { return destination }
        let workdir = state.workdir
        if destination.isEmpty { return workdir }
        return workdir == "/" ? "/" + destination : "\(workdir)/\(destination)"
    }

    /// CP-1.
    static func classify(_ source: String, _ verb: CopyStep.Verb) throws(BuildError) -> CopySource {
        if let reference = try GitReference(recognising: source) {
            guard verb == .add else { throw BuildError("source can't be a git ref for COPY", hints: ["use ADD"]) }
            return .git(reference)
        }
        if source.hasPrefix("http://") || source.hasPrefix("https://") {
            guard verb == .add else { throw BuildError("source can't be a URL for COPY", hints: ["use ADD"]) }
            return .url(source)
        }
        return .path(source)
    }

    /// URL-4, URL-6, GIT-4.
    private static func check(_ step: inout CopyStep, checksum: String?, keepGitDir: Bool?) throws(BuildError) {
        step.checksum = checksum
        step.keepGitDir = keepGitDir
        if let checksum {
            guard step.sources.count == 1 else {
                throw BuildError("checksum can't be specified for multiple sources")
            }
            if case .path = step.sources[0] { throw BuildError("checksum requires HTTP(S) or Git sources") }
            if case .url = step.sources[0] {
                do {
                    _ = try Digest(parsing: checksum)
                } catch {
                    throw BuildError("invalid checksum digest format: \(error)")
                }
            }
        }
        for case .git(let reference) in step.sources {
            if let keepGitDir, let asked = reference.keepGitDir, asked != keepGitDir {
                throw BuildError("inconsistent keep-git-dir configuration")
            }
            if let checksum, let asked = reference.checksum, asked != checksum {
                throw BuildError("checksum mismatch \(checksum.goQuoted) != \(asked.goQuoted)")
            }
        }
    }

    /// HD-8…HD-12: of two heredocs with one name both get the last body.
    private mutating func heredocs(
        of copy: CopyInstruction,
        _ instruction: Instruction
    ) throws(BuildError) -> [CopyStep.HeredocFile] {
        var bodies: [String: [UInt8]] = [:]
        for heredoc in copy.heredocs {
            guard heredoc.expands else {
                bodies[heredoc.name] = Array(heredoc.content.utf8)
                continue
            }
            let result = try expander.expand(heredoc: heredoc.content, state.variables, at: instruction.range)
            for name in result.unset { warnOfUndefined(name, instruction) }
            bodies[heredoc.name] = Array(result.text.utf8)
        }
        return copy.heredocs.map { CopyStep.HeredocFile(name: $0.name, bytes: bodies[$0.name] ?? []) }
    }

    /// HIS-2.
    private static func history(
        _ verb: CopyStep.Verb,
        _ words: Operands,
        parents: Bool,
        heredocs: [String]
    ) -> String {
        var parts = [verb.rawValue]
        if parents { parts.append("--parents") }
        if let chown = words.chown { parts.append("--chown=\(chown)") }
        if let chmod = words.chmod { parts.append("--chmod=\(chmod)") }
        parts += words.sources + heredocs.map { "<<\($0)" } + [words.destination, "# buildkit"]
        return parts.joined(separator: " ")
    }

    /// `CopyIgnoredFile`.
    private mutating func lintIgnored(_ step: CopyStep, _ instruction: Instruction) {
        guard case .context = step.from, let ignore = inputs.ignore else { return }
        for case .path(let path) in step.sources where ignore.hides(path) {
            findings.report(
                .copyIgnoredFile,
                "Attempting to \(step.verb == .copy ? "Copy" : "Add") file \(path.goQuoted) that is excluded by .dockerignore",
                at: instruction.range,
                skipped: instruction.skippedRules
            )
        }
    }
}

extension IgnorePatterns {
    /// Whether a COPY of this path finds nothing; files without exceptions only, which cannot be told by name (§17).
    fileprivate func hides(_ path: String) -> Bool {
        guard !hasExceptions else { return false }
        let clean = PathCleaning.clean("/" + path)
        if clean == "/" { return patterns.contains { ["*", "**", "**/*"].contains($0.text) } }
        return ignores(path: Array(clean.utf8.dropFirst())).ignored
    }
}
