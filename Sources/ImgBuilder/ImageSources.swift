import ImgExport
import ImgPlan

/// Opens the places that images are read from.
struct ImageSources: Sendable {
    let session: BuildSession
    /// Nil reads everything anew.
    var cache: DocumentCache?

    func open(_ source: BaseRequest.Source) async throws -> any ImageSource {
        switch source {
        case .image(let reference): return RegistrySource(reference, client: session.registry, cache: cache)
        case .ociLayout(let path, let tag, let digest):
            let layout = try await LayoutSource(
                path: session.environment.absolute(path),
                tag: tag,
                digest: digest,
                spoolingTo: session.environment.temporaryDirectory,
                pool: session.pool
            )
            return layout.layout.hasMadeManifests ? try await CompressedSource(layout, session) : layout
        }
    }
}
