import ImgDockerfile
import ImgOCI
import ImgPlan
import ImgReport
import ImgTasks

/// From the request to the plan: what every way to look at a Dockerfile shares.
extension BuildRun {
    /// A Dockerfile with everything resolved that planning needs.
    struct Planned: Sendable {
        var context: MainContext
        var epoch: Int64?
        var plan: BuildPlan
        var bases: [BaseRequest: ResolvedBase]
    }

    /// A Dockerfile that could be read, and what planning is told; no image has been looked at.
    struct Prepared: Sendable {
        var context: MainContext
        var inputs: PlanInputs
    }

    /// Opens the context and reads the Dockerfile.
    ///
    /// - Parameter found: Is given what was found before a mistake in the Dockerfile, if that has one.
    func prepare(
        _ purpose: PlanInputs.Purpose,
        beforeMistake found: ([Diagnostic]) -> Void = { _ in }
    ) async throws -> Prepared {
        let context = try await ContextOpener(
            environment: session.environment,
            git: git,
            scratch: session.scratch,
            pool: pool,
            keepsGitDirectory: try BuilderArguments(buildArguments, platforms: request.platforms).keepsGitDirectory
        )
        .open(request)
        let (dockerfile, diagnostics) = Dockerfile.parse(context.dockerfile)
        for notice in diagnostics where notice.severity != .error { events.emit(.warning(notice)) }
        let errors = diagnostics.filter { $0.severity == .error }
        var inputs = PlanInputs(dockerfile: dockerfile)
        inputs.buildArgs = buildArguments
        if let first = errors.first {
            found(inputs.findings(before: first))
            throw BuildError(diagnostics: errors)
        }
        inputs.platforms = request.platforms
        inputs.target = request.target
        inputs.labels = request.labels.map { (key: $0.key, value: $0.value) }
        inputs.namedContexts = try await namedContexts()
        inputs.epoch = try await epoch(inputs, context)
        inputs.ignore = context.ignore
        inputs.purpose = purpose
        return Prepared(context: context, inputs: inputs)
    }

    /// Plans, and resolves the bases that the plan turns out to need.
    func plan(_ prepared: Prepared) async throws -> Planned {
        let inputs = prepared.inputs
        // What only looks at a Dockerfile leaves no traces.
        let sources = ImageSources(
            session: session,
            cache: inputs.purpose == .build ? try await session.documents() : nil
        )
        // The lint rule for a base of another platform speaks in `--check`; only a build refuses it.
        let resolver = BaseResolver(
            sources: sources,
            allowsPlatformMismatch: request.allowsPlatformMismatch || inputs.purpose == .check,
            localNames: ((try? inputs.targets())?.compactMap(\.name) ?? []) + request.namedContexts.map(\.name)
        )
        var bases: [BaseRequest: ResolvedBase] = [:]
        while true {
            switch try ImgPlan.plan(inputs, bases: bases.mapValues(\.image)) {
            case .ready(let plan):
                return Planned(context: prepared.context, epoch: inputs.epoch, plan: plan, bases: bases)
            case .needs(let requests): bases.merge(try await resolver.resolve(requests)) { first, _ in first }
            }
        }
    }

    /// Those given, and those taken over from the environment.
    var buildArguments: [String: String] {
        var arguments: [String: String] = [:]
        let variables = session.environment.variables
        // The variable counts as if it had been given, as other builders' command lines do it (REP-1).
        if let epoch = variables["SOURCE_DATE_EPOCH"], !epoch.isEmpty { arguments["SOURCE_DATE_EPOCH"] = epoch }
        for argument in request.buildArguments {
            if let value = argument.value ?? variables[argument.name] { arguments[argument.name] = value }
        }
        return arguments
    }

    /// `--timestamp` wins over `SOURCE_DATE_EPOCH`; `context` is the time of a git context (REP-2).
    private func epoch(_ inputs: PlanInputs, _ context: MainContext) async throws -> Int64? {
        switch request.timestamp {
        case .epoch(let seconds)?: return seconds
        case .git?:
            if let time = context.time { return time.seconds }
            guard case .directory(let path) = request.context else {
                throw BuildError(.usage, "--timestamp git needs a directory or git context")
            }
            return try await git.commitTime(of: session.environment.absolute(path))
        case nil: break
        }
        guard let requested = inputs.requestedEpoch else { return nil }
        if let seconds = Int64(requested) { return seconds }
        if requested == "context" { return context.time?.seconds }
        return try await time(of: try inputs.epochSource(named: requested))?.seconds
    }

    /// Local files and images have no time of their own (REP-2).
    private func time(of source: EpochSource) async throws -> Timestamp? {
        switch source {
        case .context(.git(let reference)): return try await remotes().time(of: reference, checksum: nil)
        case .git(let reference, let checksum): return try await remotes().time(of: reference, checksum: checksum)
        case .url(let url, let checksum): return try await remotes().time(of: url, checksum: checksum)
        case .context: return nil
        }
    }

    private func namedContexts() async throws -> [String: NamedContext] {
        var contexts: [String: NamedContext] = [:]
        for given in request.namedContexts {
            let name = given.name
            var context = try NamedContext(parsing: given.value)
            if case .directory(let path) = context {
                let absolute = session.environment.absolute(path)
                switch try await pool.run({ PathKind.of(absolute) }) {
                case .directory: context = .directory(absolute)
                case .file: context = .file(absolute)
                case .missing: throw BuildError("failed to get build context \(name): \(path): not a directory")
                }
            }
            contexts[name] = context
        }
        return contexts
    }
}
