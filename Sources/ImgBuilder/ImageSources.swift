import ImgExport
import ImgPlan
import ImgRegistry
import ImgReport
import ImgTasks

/// Opens the places that images are read from.
struct ImageSources: Sendable {
    let registry: RegistryClient
    /// Nil reads everything anew.
    var cache: DocumentCache?
    let pool: BlockingPool
    let environment: BuilderEnvironment

    func open(_ source: BaseRequest.Source) async throws -> any ImageSource {
        switch source {
        case .image(let reference): return RegistrySource(reference, client: registry, cache: cache)
        case .ociLayout(let path, let tag, let digest):
            return try await LayoutSource(path: environment.absolute(path), tag: tag, digest: digest, pool: pool)
        }
    }
}
