import ImgDockerfile
import ImgOCI
import ImgPlan
import ImgReport
import Testing

/// A Dockerfile with everything around it.
struct Planning {
    var text: String
    var inputs: PlanInputs
    /// Configurations of the base images there are, by reference as written.
    var images: [String: ImageConfig] = Planning.images
    /// What bases are for; nil means what is asked for.
    var foundPlatform: Platform?

    init(_ text: String, _ change: (inout PlanInputs) -> Void = { _ in }) throws {
        self.text = text
        let (dockerfile, diagnostics) = Dockerfile.parse(SourceFile(name: "Dockerfile", bytes: Array(text.utf8)))
        if let error = diagnostics.first(where: { $0.severity == .error }) {
            throw BuildError(.failure, diagnostics: [error])
        }
        inputs = PlanInputs(dockerfile: dockerfile)
        inputs.platforms = [Platform(os: "linux", architecture: "amd64")]
        inputs.buildPlatform = Platform(os: "linux", architecture: "arm64")
        change(&inputs)
    }

    /// Plans until nothing more is asked for.
    func plan() throws -> (plan: BuildPlan, asked: [[BaseRequest]]) {
        var bases: [BaseRequest: BaseImage] = [:]
        var asked: [[BaseRequest]] = []
        while true {
            switch try ImgPlan.plan(inputs, bases: bases) {
            case .ready(let plan): return (plan, asked)
            case .needs(let requests):
                try #require(!requests.contains { bases[$0] != nil }, "asked for what it has")
                asked.append(requests)
                for request in requests { bases[request] = try base(request) }
            }
        }
    }

    /// The target of the first platform.
    func target() throws -> StagePlan {
        let platform = try plan().plan.platforms[0]
        return platform.stages[platform.target]
    }

    /// Warnings as `Rule: text (line N)`.
    func findings() throws -> [String] {
        try plan().plan.diagnostics
            .map { finding in
                let line = finding.range.map { " (line \($0.startLine))" } ?? ""
                return (finding.rule.map { "\($0): " } ?? "") + finding.message + line
            }
    }

    private func base(_ request: BaseRequest) throws -> BaseImage {
        let name = "\(request.source)"
        var config = try #require(images[name], "no such image: \(name)")
        config.platform = foundPlatform ?? request.platform
        let layer = Descriptor(mediaType: .ociLayerGzip, digest: Self.digest, size: 1)
        let descriptor = Descriptor(mediaType: .ociManifest, digest: Self.digest, size: 1)
        let manifest = ImageManifest(
            mediaType: .ociManifest,
            config: Descriptor(mediaType: .ociConfig, digest: Self.digest, size: 1),
            layers: config.diffIDs.map { _ in layer },
            annotations: [:]
        )
        return BaseImage(
            reference: request.source,
            manifest: manifest,
            manifestDescriptor: descriptor,
            config: config,
            resolvedDigest: Self.digest
        )
    }

    static let digest = Digest(sha256: [UInt8](repeating: 7, count: 32))

    /// A plain image, one with everything set, one with triggers, and one without layers.
    static var images: [String: ImageConfig] {
        var plain = ImageConfig(platform: Platform(os: "linux", architecture: "amd64"))
        plain.diffIDs = [digest]
        plain.config.cmd = ["/bin/sh"]
        plain.config.env = ["PATH=/bin", "BASE=b"]
        plain.history = [HistoryEntry(created: "2020-01-01T00:00:00Z", createdBy: "base")]
        var full = plain
        full.created = "2020-01-01T00:00:00Z"
        full.author = "somebody"
        full.config.workingDir = "work"
        full.config.user = "alice"
        full.config.entrypoint = ["/entry"]
        full.config.shell = ["/bin/dash", "-c"]
        full.config.labels = ["keep": "yes"]
        full.config.extra["Novel"] = .bool(true)
        full.config.extra["Hostname"] = .string("h")
        full.extra["moby.buildkit.novel"] = .integer(1)
        full.extra["docker_version"] = .string("20")
        var triggers = plain
        triggers.config.onBuild = ["COPY --from=plain:latest /x /x", "ENV T=$BASE", "ONBUILD LABEL again=1"]
        var hollow = ImageConfig(platform: plain.platform)
        hollow.config.env = ["PATH="]
        return ["plain:latest": plain, "full:latest": full, "triggers:latest": triggers, "hollow:latest": hollow]
    }
}

extension StagePlan {
    /// The history; entries without a layer in parentheses.
    var texts: [String] { steps.map { $0.emptyLayer ? "(\($0.createdBy))" : $0.createdBy } }
    var labels: [String: String] { config.config.labels }

    var copies: [CopyStep] {
        steps.compactMap { if case .copy(let copy) = $0.action { copy } else { nil } }
    }
}

extension BuildError {
    /// Without the warnings that come before them.
    var mistakes: [Diagnostic] { diagnostics.filter { $0.severity == .error } }
}

/// What a Dockerfile fails with, and the line.
func failure(_ text: String, _ change: (inout PlanInputs) -> Void = { _ in }) -> (message: String, line: Int?) {
    do {
        _ = try Planning(text, change).plan()
        return ("no error", nil)
    } catch let error as BuildError {
        let first = error.mistakes.first
        return (first?.message ?? "no mistake", first?.range?.startLine)
    } catch {
        return ("\(error)", nil)
    }
}
