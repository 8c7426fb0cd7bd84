import ImgExport
import ImgOCI
import ImgPlan
import ImgRegistry
import ImgReport
import ImgTasks

/// A base image for one platform and where its layers are.
struct ResolvedBase: Sendable {
    var image: BaseImage
    var source: any ImageSource
    var layers: [BaseLayers.Location]
}

/// Resolves bases, each reference once per build (PULL-30).
struct BaseResolver: Sendable {
    let sources: ImageSources
    let allowsPlatformMismatch: Bool
    /// Stages and named contexts, for suggestions.
    let localNames: [String]
    private let roots = OnceMap<BaseRequest.Source, Root>()

    private struct Root: Sendable {
        var source: any ImageSource
        var content: ImageGraph.Content
    }

    init(sources: ImageSources, allowsPlatformMismatch: Bool, localNames: [String]) {
        self.sources = sources
        self.allowsPlatformMismatch = allowsPlatformMismatch
        self.localNames = localNames
    }

    /// Resolves several bases at once.
    func resolve(_ requests: [BaseRequest]) async throws -> [BaseRequest: ResolvedBase] {
        try await withThrowingTaskGroup(of: (BaseRequest, ResolvedBase).self) { group in
            for request in requests {
                group.addTask { (request, try await resolve(request)) }
            }
            var result: [BaseRequest: ResolvedBase] = [:]
            for try await (request, base) in group { result[request] = base }
            return result
        }
    }

    private func resolve(_ request: BaseRequest) async throws -> ResolvedBase {
        do {
            let sources = sources
            let root = try await roots.value(for: request.source) {
                let source = try await sources.open(request.source)
                return Root(source: source, content: try await source.resolve())
            }
            return try await image(request, root)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw explained(BuildError(describing: error), request)
        }
    }

    private func image(_ request: BaseRequest, _ root: Root) async throws -> ResolvedBase {
        let manifest = try await ImageSelection.manifest(
            for: request.platform,
            below: root.content,
            of: root.source,
            takesLesser: allowsPlatformMismatch,
            remedy: "--allow-platform-mismatch"
        )
        let document = try ImageManifest(parsing: manifest.bytes, mediaType: manifest.descriptor.mediaType)
        try ImageSelection.checkKind(of: document, named: "\(request.source)")
        let config = try ImageConfig(parsing: try await root.source.blob(document.config, limit: ImageLimits.config))
        guard config.diffIDs.count == document.layers.count else {
            throw BuildError(
                "\(request.source) contradicts itself: \(document.layers.count) layers and \(config.diffIDs.count) diff IDs"
            )
        }
        try check(config.platform, request)
        let base = BaseImage(
            reference: request.source,
            manifest: document,
            manifestDescriptor: manifest.descriptor,
            config: config,
            resolvedDigest: root.content.descriptor.digest
        )
        let layers = zip(document.layers, config.diffIDs)
            .map {
                BaseLayers.Location(descriptor: $0, diffID: $1, source: root.source)
            }
        return ResolvedBase(image: base, source: root.source, layers: layers)
    }

    /// A base for another platform builds an image that lies about itself: the failure this program exists to prevent.
    private func check(_ found: Platform, _ request: BaseRequest) throws(BuildError) {
        guard !allowsPlatformMismatch else { return }
        guard !found.os.isEmpty, !found.architecture.isEmpty else {
            throw BuildError(
                "base \(request.source) does not say which platform it is for",
                hints: ["--allow-platform-mismatch takes it as it is"]
            )
        }
        guard request.platform.matchRank(of: found) == nil else { return }
        throw BuildError(
            "base \(request.source) is for \(found.normalized) only, not for \(request.platform)",
            hints: [
                "choose a base that has \(request.platform), or build with --platform \(found.normalized)",
                "--allow-platform-mismatch takes it as it is; the result will not start on \(request.platform)",
            ]
        )
    }

    /// Failures of a base carry its name, and a name that is nearly known is taken for a mistake (STG-10).
    private func explained(_ error: BuildError, _ request: BaseRequest) -> BuildError {
        guard error.code != .interrupted, let cause = error.diagnostics.first else { return error }
        let name = "\(request.source)"
        var copy = error
        // What contradicts the Dockerfile rather than failed says so itself.
        guard error.code != .failure || !cause.message.contains(name) else { return error.located(at: request.range) }
        let full = if case .image(let reference) = request.source { reference.normalized } else { name }
        let suggestion =
            error.code == .notFound || error.code == .denied
            ? Self.suggestion(for: request.source, among: localNames) : ""
        copy.diagnostics[0].message =
            "\(name): failed to resolve source metadata for \(full): \(cause.message)\(suggestion)"
        return copy.located(at: request.range)
    }

    /// ` (did you mean X?)`, or nothing (ERR-9).
    static func suggestion(for source: BaseRequest.Source, among localNames: [String]) -> String {
        guard case .image(let reference) = source, !reference.familiar.contains("/") else { return "" }
        let name = String(reference.familiar.prefix { $0 != ":" && $0 != "@" })
        return Suggestion.suffix(name, among: localNames + commonImages)
    }

    /// What FROM most often names on Docker Hub.
    private static let commonImages = [
        "alpine", "amazonlinux", "archlinux", "bash", "busybox", "caddy", "centos", "debian", "docker", "elixir",
        "fedora", "gcc", "golang", "gradle", "haproxy", "httpd", "hello-world", "julia", "mariadb", "maven", "mongo",
        "mysql", "nginx", "node", "openjdk", "perl", "php", "postgres", "python", "redis", "rockylinux", "ruby",
        "rust", "scratch", "swift", "traefik", "ubuntu",
    ]
}

/// Sizes that documents may have (NET-10).
enum ImageLimits {
    static let config = 8 << 20
}
