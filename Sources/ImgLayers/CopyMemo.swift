package import ImgPlan
package import ImgReport
import ImgTasks
import ImgTree
import Synchronization

/// Resolutions of copies that several platforms have in common.
///
/// What a copy puts into its layer follows from the step, its source, and what the destination answers to the questions
/// that come up. A platform whose file system gives the same answers gets the same layer, entry for entry in the same
/// memory: platforms mostly differ far from where a copy goes.
package final class CopyMemo: Sendable {
    private struct Key: Hashable, Sendable {
        var step: CopyStep
        /// For the places in warnings.
        var range: SourceRange?
        var isVoid: Bool
    }

    private struct Resolved: Sendable {
        var spec: LayerSpec
        var index: LayerIndex
        var questions: StageQuestions
    }

    private let resolver: CopyResolver
    private let known = OnceMap<Key, Resolved>()

    package init(_ resolver: CopyResolver) {
        self.resolver = resolver
    }

    /// The layer of a COPY or ADD, and the stage after it.
    ///
    /// - Parameters: As ``CopyResolver/resolve(_:at:source:fetched:into:)``; `source` must be the same for equal steps.
    package func resolve(
        _ step: CopyStep,
        at range: SourceRange?,
        source: any SourceTree,
        into stage: StageTree
    ) async throws(BuildError) -> (spec: LayerSpec, stage: StageTree) {
        if !step.link { await readAhead(step, source, stage) }
        let key = Key(step: step, range: range, isVoid: stage.isVoid)
        let (resolver, questions) = (resolver, StageQuestions())
        let isOwn = Atomic(false)
        let resolved: Resolved
        do {
            resolved = try await known.value(for: key) {
                isOwn.store(true, ordering: .relaxed)
                let spec = try await resolver.resolve(step, at: range, source: source, into: stage.recording(questions))
                return Resolved(spec: spec, index: try StageTree.index(of: spec), questions: questions)
            }
        } catch {
            // Another platform's failure need not be this one's.
            if isOwn.load(ordering: .relaxed) || Task.isCancelled { throw BuildError(wrapping: error) }
            return try await alone(step, range, source, stage)
        }
        // Whoever did the work has nothing to compare with.
        var isSame = resolved.questions === questions
        if !isSame { isSame = try await resolved.questions.haveSameAnswers(from: stage) }
        guard isSame else { return try await alone(step, range, source, stage) }
        return (resolved.spec, stage.appending(resolved.spec, index: resolved.index))
    }

    /// Reads base layers of several platforms at a time, not one platform after the other, and the context meanwhile.
    private func readAhead(_ step: CopyStep, _ source: any SourceTree, _ stage: StageTree) async {
        async let destination = try? stage.resolve(TreePath.relative(Array(step.destination.utf8)))
        for case .path(let path) in step.sources where !Wildcards.areIn(path.utf8) {
            await source.readAhead(TreePath.relative(Array(path.utf8)))
        }
        _ = await destination
    }

    private func alone(
        _ step: CopyStep,
        _ range: SourceRange?,
        _ source: any SourceTree,
        _ stage: StageTree
    ) async throws(BuildError) -> (spec: LayerSpec, stage: StageTree) {
        let spec = try await resolver.resolve(step, at: range, source: source, into: stage)
        return (spec, try stage.appending(spec))
    }
}

/// What a stage was asked while a step was resolved, and what it answered.
final class StageQuestions: Sendable {
    /// More questions than this cost more than the answers save.
    private static let limit = 4096

    /// Nil once something was asked whose answer cannot be compared.
    private let answers = Mutex<[[UInt8]: Entry?]?>([:])

    func note(_ path: [UInt8], _ entry: Entry?) {
        answers.withLock { answers in
            if let count = answers?.count, count < Self.limit {
                answers?[path] = .some(entry.map(Self.comparable))
            } else {
                answers = nil
            }
        }
    }

    func giveUp() { answers.withLock { $0 = nil } }

    func haveSameAnswers(from stage: StageTree) async throws(BuildError) -> Bool {
        guard let answers = answers.withLock({ $0 }) else { return false }
        for (path, expected) in answers {
            guard try await stage.lookup(path).map(Self.comparable) == expected else { return false }
        }
        return true
    }

    /// Where content lies differs from image to image, and nothing here looks at it.
    private static func comparable(_ entry: Entry) -> Entry {
        var copy = entry
        copy.origin = nil
        copy.note = nil
        return copy
    }
}
