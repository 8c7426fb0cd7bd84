package import ImgOCI
package import ImgPlan
package import ImgReport
import ImgStream
package import ImgTasks
import ImgTree

/// Works out what a COPY, ADD or WORKDIR puts into its layer.
package struct CopyResolver: Sendable {
    /// Reproducible times (REP-4…REP-7).
    package struct Times: Sendable, Hashable {
        /// `SOURCE_DATE_EPOCH`: the time of what an instruction invents.
        package var epoch: Timestamp?
        /// The latest time of any entry.
        package var clamp: Timestamp?

        package init(epoch: Timestamp? = nil, clamp: Timestamp? = nil) {
            self.epoch = epoch
            self.clamp = clamp
        }
    }

    let pool: BlockingPool
    let content: ContentLoader
    let spoolDirectory: String
    let times: Times

    /// - Parameters:
    ///   - layers: Reads account files that only exist inside layers.
    ///   - spoolDirectory: Where the content of archives is put until the layer is built.
    package init(pool: BlockingPool, layers: any LayerContentReader, spoolDirectory: String, times: Times) {
        self.pool = pool
        content = ContentLoader(pool: pool, layers: layers)
        self.spoolDirectory = spoolDirectory
        self.times = times
    }

    /// The layer of a COPY or ADD.
    ///
    /// - Parameters:
    ///   - range: The instruction, for errors.
    ///   - source: Where its paths lie.
    ///   - fetched: What became of operands that are no paths, by position among the sources.
    ///   - stage: The stage before the instruction.
    package func resolve(
        _ step: CopyStep,
        at range: SourceRange?,
        source: any SourceTree,
        fetched: [Int: FetchedSource] = [:],
        into stage: StageTree
    ) async throws(BuildError) -> LayerSpec {
        do {
            var run = try await CopyRun(step, range: range, source: source, stage: stage, resolver: self)
            for (position, operand) in step.sources.enumerated() {
                run.sourcePosition = position
                if let answer = fetched[position] {
                    try await run.copy(answer)
                } else if case .path(let path) = operand {
                    try await run.copyPath(Array(path.utf8))
                }
            }
            for (position, heredoc) in step.heredocs.enumerated() {
                run.sourcePosition = step.sources.count + position
                try await run.copyHeredoc(name: Array(heredoc.name.utf8), bytes: heredoc.bytes)
            }
            return try await run.finish()
        } catch {
            throw error.located(at: range)
        }
    }

    /// The layer of a WORKDIR: the directories that do not exist yet (CFG-1).
    package func resolve(
        _ step: WorkdirStep,
        at range: SourceRange?,
        into stage: StageTree
    ) async throws(BuildError) -> LayerSpec {
        do {
            var tree = WorkingTree(over: stage)
            var owner: Owner?
            var warnings: [Diagnostic] = []
            if !step.user.isEmpty {
                var resolver = OwnerResolver(stage: stage, content: content, range: range)
                owner = try await resolver.resolve(ChownSpec(parsing: step.user))
                warnings = resolver.warnings
            }
            let path = TreePath.relative(Array(step.path.utf8))
            _ = try await tree.makeDirectories(path, like: ImpliedDirectory(owner: owner))
            let entries = try await tree.takeEntries(invented: times.epoch ?? .epoch, clamp: times.clamp)
            return LayerSpec(entries: entries, newestSourceTime: nil, warnings: warnings)
        } catch {
            throw error.located(at: range)
        }
    }
}
