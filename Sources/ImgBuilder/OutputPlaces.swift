import ImgExport
import ImgReport

/// Where files of the result go: what can be wrong with it is said before anything is built or pushed.
struct OutputPlaces: Sendable {
    let request: BuildRequest
    let environment: BuilderEnvironment

    /// Blocks.
    func check() throws(BuildError) {
        let streams = request.outputs.count { output in
            switch output {
            case .layout("-", isTar: true), .dockerArchive("-"): true
            default: false
            }
        }
        guard streams <= 1 else {
            throw BuildError(
                .usage,
                "\(streams) outputs go to standard output, which can take one",
                hints: ["give the others a file: dest=FILE"]
            )
        }
        for output in request.outputs {
            switch output {
            case .layout(let path, isTar: false): try LayoutExporter.check(absolute(path))
            case .layout(let path, isTar: true), .dockerArchive(let path): try DraftFile.check(absolute(path))
            case .registry, .registryByDigest, .dockerDaemon, .nothing: continue
            }
        }
        for target in request.cacheTargets where !target.ignoresErrors {
            if case .local(let path) = target.place { try LayoutExporter.check(absolute(path)) }
        }
    }

    /// What `docker load` reads has no index.
    func check(platforms: Int) throws(BuildError) {
        let isDocker = request.outputs.contains { output in
            switch output {
            case .dockerArchive, .dockerDaemon: true
            default: false
            }
        }
        if isDocker, platforms > 1 { throw ArchiveExporter.tooManyPlatforms(platforms) }
    }

    private func absolute(_ path: String) -> String { path == "-" ? path : environment.absolute(path) }
}
