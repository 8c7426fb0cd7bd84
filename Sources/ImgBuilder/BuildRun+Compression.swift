import ImgExport
import ImgOCI
import ImgReport
import ImgStream

/// One compression for all layers of an image where that is asked for, and a word where it is not.
extension BuildRun {
    /// How new layers are compressed.
    func compressionSettings() throws(BuildError) -> CompressionSettings {
        do throws(StreamError) {
            return try CompressionSettings(format: request.compression.format, level: request.compression.level)
        } catch {
            throw BuildError(.usage, "invalid compression-level: \(error.message)")
        }
    }

    /// Base layers in the compression of the new ones (`force-compression`), by their own digest; empty without it.
    func convertedBases(
        _ platforms: [ResolvedPlatform],
        _ baseLayers: BaseLayers
    ) async throws -> [Digest: Blob] {
        guard request.compression.isForced else { return [:] }
        let settings = try compressionSettings()
        var converted: [Digest: Blob] = [:]
        for location in platforms.flatMap(\.stage.baseLocations) where converted[location.descriptor.digest] == nil {
            guard isConverted(location) else { continue }
            // One after the other: each is compressed on all cores.
            converted[location.descriptor.digest] = try await baseLayers.converted(
                location,
                to: settings,
                workers: session.workers
            )
        }
        return converted
    }

    func isConverted(_ location: BaseLayers.Location) -> Bool {
        let type = location.descriptor.mediaType
        return request.compression.isForced && type.layerCompression != request.compression.format
            && !type.isForeignLayer
    }

    /// What is said when an image would have layers of several compressions: some consumers refuse it.
    func mixedCompression(_ platforms: [ResolvedPlatform]) -> Diagnostic? {
        let format = request.compression.format
        guard !request.compression.isForced else { return nil }
        for platform in platforms where platform.stage.hasOwnLayers {
            let others = platform.stage.baseLocations.compactMap(\.descriptor.mediaType.layerCompression)
            guard let other = others.first(where: { $0 != format && $0 != .uncompressed }), format != .uncompressed
            else { continue }
            return Diagnostic(
                .warning,
                "the layers of the base are \(other.rawValue), the new ones are \(format.rawValue)",
                hints: [
                    "some runtimes refuse such an image, AWS Fargate among them: use compression=\(other.rawValue)",
                    "or add force-compression=true to --output, which compresses the base's layers anew",
                ]
            )
        }
        return nil
    }
}

extension StageResolver.Stage {
    var baseLocations: [BaseLayers.Location] {
        layers.compactMap { if case .base(let location) = $0 { location } else { nil } }
    }

    var hasOwnLayers: Bool {
        layers.contains { if case .own = $0 { true } else { false } }
    }
}
