import ImgExport
import ImgOCI
import ImgRegistry
import ImgReport
import ImgStream
import Synchronization

/// The repositories that one image goes to.
///
/// Before anything is sent all of them are asked; what one refuses then ends the command. Later each registry stands for
/// itself: a failure at one ends the work there and fails the command when the others have finished (PUSH-39). Within a
/// registry no tag moves before everything is in place in each of its repositories (PUSH-2).
struct PushTargets: Sendable {
    struct Repository: Sendable {
        var exporter: RegistryExporter
        /// Empty where the image is pushed by its digest only.
        var tags: [ImageReference]
        /// For people, when there is no tag.
        var name: ImageReference

        fileprivate func probed(
            _ place: Int,
            isRelying: Bool,
            _ isWanted: @Sendable (Descriptor) -> Bool
        ) async -> Answer {
            var answer = Answer(place: place, repository: self)
            do {
                answer.repository.exporter = try await exporter.probed(isRelying: isRelying, isWanted)
            } catch {
                answer.error = BuildError(describing: error)
            }
            return answer
        }
    }

    /// What a repository has answered.
    fileprivate struct Answer: Sendable {
        var place: Int
        var repository: Repository
        /// Why it can't be pushed to.
        var error: BuildError?
    }

    /// One per repository, in the order of the tags.
    private(set) var repositories: [Repository]
    private let verification: Verification
    private let events: any EventSink
    /// By the name of the registry.
    private let failures = Failures()

    /// - Parameters:
    ///   - tags: One after the other at the end.
    ///   - digests: Repositories that get the image by its digest only.
    ///   - cache: Spares GETs of manifests at registries that count them.
    init(
        tags: [ImageReference],
        digests: [ImageReference] = [],
        verification: Verification = .manifests,
        session: BuildSession,
        cache: DocumentCache? = nil
    ) {
        var groups: [(repository: ImageReference, tags: [ImageReference])] = []
        for tag in tags {
            if let place = groups.firstIndex(where: { $0.repository.repository == tag.repository }) {
                if !groups[place].tags.contains(tag) { groups[place].tags.append(tag) }
            } else {
                groups.append((tag, [tag]))
            }
        }
        groups += digests.map { ($0, []) }
        repositories = groups.map { repository, tags in
            Repository(
                exporter: RegistryExporter(
                    repository,
                    tags: tags.map(\.tagOrLatest),
                    client: session.registry,
                    cache: cache,
                    pool: session.pool
                ),
                tags: tags,
                name: repository
            )
        }
        self.verification = verification
        events = session.events
    }

    /// Asks every repository whether it can be pushed to, and what it has of the manifests that are wanted.
    func probed(_ isWanted: @escaping @Sendable (Descriptor) -> Bool) async throws -> PushTargets {
        // Who wants every blob checked relies on no manifest.
        let isRelying = verification != .blobs
        let answers = await withTaskGroup(of: Answer.self) { group in
            for (place, repository) in repositories.enumerated() {
                group.addTask { await repository.probed(place, isRelying: isRelying, isWanted) }
            }
            return await group.reduce(into: [Answer]()) { $0.append($1) }
        }
        if let error = Self.joined(answers.sorted { $0.place < $1.place }.compactMap(\.error)) { throw error }
        var copy = self
        for answer in answers { copy.repositories[answer.place] = answer.repository }
        return copy
    }

    /// Asks whether uploads are allowed, as reading what is there may be without writing.
    func askForPermission() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for repository in repositories {
                group.addTask { try await attempt(repository) { try await repository.exporter.askForPermission() } }
            }
            try await group.waitForAll()
        }
    }

    // MARK: - Forecast

    var names: [String] { repositories.map(\.exporter.name) }

    /// How a layer gets to each repository; one that has yet to be made is sent.
    func forecast(_ blob: Blob?) async throws -> [BuildForecast.Transfer] {
        guard let blob else { return repositories.map { _ in .upload } }
        var transfers: [BuildForecast.Transfer] = []
        for repository in repositories {
            switch try await repository.exporter.forecast(blob) {
            case .existed: transfers.append(.exists)
            case .mounted(let source): transfers.append(.mount(from: source))
            case .uploaded: transfers.append(.upload)
            }
        }
        return transfers
    }

    /// What the tags point to.
    func currentTags() async throws -> [BuildForecast.Tag] {
        var tags: [BuildForecast.Tag] = []
        for repository in repositories {
            for tag in repository.tags {
                do {
                    let current = try await repository.exporter.current(tag.tagOrLatest)
                    tags.append(BuildForecast.Tag(reference: tag, current: current))
                } catch let error as RegistryError where error.code == .denied {
                    tags.append(BuildForecast.Tag(reference: tag, isReadable: false))
                }
            }
        }
        return tags
    }

    // MARK: - Layers

    /// Layers that began to be sent before they were whole, by the number of the repository.
    typealias EarlyUploads = [Int: EarlyUpload]

    /// Where layers are sent while they are made: one repository of a host, from which others mount them.
    private var early: [(place: Int, exporter: RegistryExporter)] {
        var hosts: Set<String> = []
        return repositories.enumerated()
            .compactMap { place, repository in
                let exporter = repository.exporter
                return exporter.sendsEarly && hosts.insert(exporter.host).inserted ? (place, exporter) : nil
            }
    }

    var sendsEarly: Bool { !early.isEmpty }

    /// Sends a layer while it is made; ends soon after the layer's end.
    /// - Parameter isWanted: Asked again and again.
    func begin(_ file: GrowingFile, while isWanted: @escaping @Sendable () -> Bool) async -> EarlyUploads {
        await withTaskGroup(of: (Int, EarlyUpload?).self) { group in
            for (place, exporter) in early {
                group.addTask { (place, await exporter.pushEarly(file, while: isWanted)) }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    /// Lets registries forget layers that are not wanted after all.
    func giveUp(_ uploads: EarlyUploads) async {
        for (place, upload) in uploads { await repositories[place].exporter.giveUp(upload) }
    }

    /// Starts on a blob that is ready while others are still being made.
    func prepare(_ blob: Blob, continuing early: EarlyUploads = [:]) async throws {
        for (place, repository) in repositories.enumerated() {
            try await attempt(repository) { try await repository.exporter.push(blob, continuing: early[place]) }
        }
    }

    // MARK: - The image

    /// Brings an image everywhere, reads it back and moves the tags.
    /// - Returns: The tags, all of which now lead to it.
    func push(_ graph: ImageGraph) async throws -> [ImageReference] {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for repository in repositories {
                group.addTask {
                    try await attempt(repository) {
                        try await repository.exporter.pushContent(graph, isReadBack: verification != .off)
                        guard verification != .off else { return }
                        let exporter = repository.exporter
                        guard try await !exporter.verify(graph, blobs: verification == .blobs) else { return }
                        events.emit(.warning(Self.unverified(exporter.name)))
                    }
                }
            }
            try await group.waitForAll()
        }
        var pushed: [ImageReference] = []
        for repository in repositories {
            for tag in repository.tags {
                try await attempt(repository, pushed) {
                    try await repository.exporter.tag(graph, as: tag.tagOrLatest)
                    pushed.append(tag)
                }
            }
        }
        if !failures.isEmpty { throw summary(pushed) }
        return pushed
    }

    private static func unverified(_ name: String) -> Diagnostic {
        Diagnostic(
            .warning,
            "\(name): this account may push but not read: what was pushed could not be read back",
            hints: ["allow it to read, or push with --verify=off, which does not try"]
        )
    }

    /// Does a part of the work for a repository unless its registry has failed before.
    /// - Throws: When nothing is left to be done anywhere, or the work is cancelled.
    private func attempt(
        _ repository: Repository,
        _ pushed: [ImageReference] = [],
        _ body: () async throws -> Void
    ) async throws {
        let host = repository.exporter.host
        guard !failures.contains(host) else { return }
        do {
            try await body()
        } catch {
            let failure = BuildError(describing: error)
            guard failure.code != .interrupted, !Task.isCancelled else { throw failure }
            guard failures.insert(failure, at: host) else { return }
            if repositories.allSatisfy({ failures.contains($0.exporter.host) }) { throw summary(pushed) }
            let reason = failure.diagnostics.first?.message ?? ""
            events.emit(.note("\(host) has failed, the other registries go on: \(reason)"))
        }
    }

    /// What has failed, and what became of each target where there are several.
    private func summary(_ pushed: [ImageReference]) -> BuildError {
        let errors = failures.all
        var error = Self.joined(errors) ?? BuildError("the image was not pushed")
        let names = repositories.flatMap { $0.tags.isEmpty ? [$0.name] : $0.tags }
        guard names.count > 1 else { return error }
        let isDone = Set(pushed)
        let digests = repositories.filter { $0.tags.isEmpty && !failures.contains($0.exporter.host) }.map(\.name)
        let missing = names.filter { !isDone.contains($0) && !digests.contains($0) }
        let last = error.diagnostics.count - 1
        func note(_ phrase: String, _ references: [ImageReference]) {
            guard !references.isEmpty else { return }
            error.diagnostics[last].notes
                .append("\(phrase): \(references.map(\.familiar).joined(separator: ", "))")
        }
        note("already pushed", pushed + digests)
        note("not pushed", missing)
        return error
    }

    private static func joined(_ errors: [BuildError]) -> BuildError? {
        guard var error = errors.first else { return nil }
        for other in errors.dropFirst() {
            error.diagnostics += other.diagnostics.filter { !error.diagnostics.contains($0) }
        }
        return error
    }
}

/// The first failure of each registry, in the order in which they came.
private final class Failures: Sendable {
    private let known = Mutex<[(host: String, error: BuildError)]>([])

    var all: [BuildError] { known.withLock { $0.map(\.error) } }

    var isEmpty: Bool { known.withLock(\.isEmpty) }

    func contains(_ host: String) -> Bool { known.withLock { $0.contains { $0.host == host } } }

    /// Keeps the first failure; whether this was it.
    func insert(_ error: BuildError, at host: String) -> Bool {
        known.withLock { known in
            guard !known.contains(where: { $0.host == host }) else { return false }
            known.append((host, error))
            return true
        }
    }
}
