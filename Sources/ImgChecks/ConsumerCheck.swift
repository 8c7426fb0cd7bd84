package import ImgOCI
package import ImgReport

/// Whether a consumer can pull an image.
package struct ConsumerCheck: Sendable {
    /// One image of what is checked: made already, or about to be.
    package struct Image: Sendable {
        package var platform: Platform
        /// Types of the manifest and of what it lists.
        package var manifest: MediaType
        package var config: MediaType
        package var layers: [MediaType]
        /// History entries that stand for a layer.
        package var historyCount: Int
        /// A path in each layer whose parent directory that layer does not have, by position of the layer.
        package var orphans: [Int: String]

        package init(
            platform: Platform,
            manifest: MediaType,
            config: MediaType,
            layers: [MediaType],
            historyCount: Int,
            orphans: [Int: String] = [:]
        ) {
            self.platform = platform
            self.manifest = manifest
            self.config = config
            self.layers = layers
            self.historyCount = historyCount
            self.orphans = orphans
        }

        package init(
            platform: Platform,
            manifest: ImageManifest,
            history: [HistoryEntry],
            orphans: [Int: String] = [:]
        ) {
            self.init(
                platform: platform,
                manifest: manifest.mediaType,
                config: manifest.config.mediaType,
                layers: manifest.layers.map(\.mediaType),
                historyCount: history.count { !$0.emptyLayer },
                orphans: orphans
            )
        }
    }

    private let consumer: Consumer
    private let index: MediaType?
    private let images: [Image]

    /// - Parameter index: Type of the index that the reference leads to; nil when it leads to a manifest.
    package init(consumer: Consumer, index: MediaType?, images: [Image]) {
        self.consumer = consumer
        self.index = index
        self.images = images
    }

    /// Only images that the consumer would take are looked into.
    package func findings() -> [Diagnostic] {
        let chosen = images.filter { image in
            consumer.platform.map { $0.matchRank(of: image.platform) != nil } ?? true
        }
        return consumer.rules.flatMap { rule, source in
            let found =
                switch rule {
                case .defaultPlatformMissing:
                    consumer.platform.map { chosen.isEmpty ? [platformMissing($0)] : [] } ?? []
                case .indexNotSupported: index != nil ? [indexNotSupported()] : []
                default: chosen.compactMap { finding(rule, $0) }
                }
            return found.map { finding in
                var finding = finding
                finding.url = source
                return finding
            }
        }
    }

    private func platformMissing(_ wanted: Platform) -> Diagnostic {
        let found = images.map(\.platform.description)
        let other = wanted.architecture == "arm64" ? "x86_64" : "arm64"
        let takesIndex = !consumer.rules.contains { $0.rule == .indexNotSupported }
        return CheckRule.defaultPlatformMissing.finding(
            .error,
            "\(consumer.name) runs \(wanted), the image is for \(found.joined(separator: ", ")) only",
            remedy: takesIndex
                ? "build with --platform \(([wanted.description] + found).joined(separator: ",")), or set runtimePlatform.cpuArchitecture of the task to \(other.uppercased())"
                : "build with --platform \(wanted), or create the function for \(other)"
        )
    }

    private func indexNotSupported() -> Diagnostic {
        CheckRule.indexNotSupported.finding(
            .error,
            "\(consumer.name) takes a single image manifest and refuses every index",
            remedy:
                "build with --platform \(consumer.platform?.description ?? "") alone "
                + "and without index=true in --output"
        )
    }

    private func finding(_ rule: CheckRule, _ image: Image) -> Diagnostic? {
        switch rule {
        case .compressionNotSupported: compression(image)
        case .mixedCompression: mixedCompression(image)
        case .mixedMediaTypes: mixedMediaTypes(image)
        case .historyMissing: history(image)
        case .parentDirectoryMissing: parents(image)
        default: nil
        }
    }

    private func compression(_ image: Image) -> Diagnostic? {
        guard let allowed = consumer.compressions,
            let place = image.layers.firstIndex(where: { !allowed.contains(Self.compression($0)) })
        else { return nil }
        return CheckRule.compressionNotSupported.finding(
            .error,
            "\(consumer.name) cannot read layers of type \(image.layers[place].rawValue) (\(image.platform), layer \(place + 1))",
            remedy: "build with --output type=registry,compression=gzip on a base with gzip layers"
        )
    }

    private func mixedCompression(_ image: Image) -> Diagnostic? {
        let kinds = Set(image.layers.map { Self.compression($0).rawValue }).sorted()
        guard kinds.count > 1 else { return nil }
        return CheckRule.mixedCompression.finding(
            .warning,
            "\(consumer.name) has refused images whose layers are compressed in several ways: \(kinds.joined(separator: ", ")) (\(image.platform))",
            remedy: "build with --output type=registry,compression=METHOD, where METHOD is that of the base's layers"
        )
    }

    private func mixedMediaTypes(_ image: Image) -> Diagnostic? {
        let types = [image.config] + image.layers
        let isDocker = image.manifest.isDocker
        if consumer == .quay, let index, index.isDocker != isDocker {
            return mixedMediaTypes(image.manifest, in: index, image)
        }
        let odd = types.first { $0.isDocker != isDocker || $0.rawValue.hasSuffix("tar.zstd") }
        return odd.map { mixedMediaTypes($0, in: image.manifest, image) }
    }

    private func mixedMediaTypes(_ odd: MediaType, in outer: MediaType, _ image: Image) -> Diagnostic {
        CheckRule.mixedMediaTypes.finding(
            .error,
            "\(consumer.name) refuses \(odd.rawValue) in \(outer.rawValue) (\(image.platform))",
            remedy: "build it again with imgbuild, which never mixes Docker's media types with those of OCI"
        )
    }

    private func history(_ image: Image) -> Diagnostic? {
        let entries = image.historyCount
        guard entries != image.layers.count else { return nil }
        return CheckRule.historyMissing.finding(
            .error,
            "\(consumer.name) wants a history entry for each layer: there are \(entries) for \(image.layers.count) layers (\(image.platform))",
            remedy: "build it again with imgbuild from a base with a full history"
        )
    }

    private func parents(_ image: Image) -> Diagnostic? {
        guard let (layer, path) = image.orphans.min(by: { $0.key < $1.key }) else { return nil }
        return CheckRule.parentDirectoryMissing.finding(
            .warning,
            "layer \(layer + 1) (\(image.platform)) has \(path) without its parent directory, which \(consumer.name) may refuse",
            path: path,
            remedy: "build the layer with imgbuild or BuildKit, which write every parent directory"
        )
    }

    private static func compression(_ layer: MediaType) -> LayerCompression {
        layer.layerCompression ?? .uncompressed
    }
}

extension MediaType {
    fileprivate var isDocker: Bool { rawValue.hasPrefix("application/vnd.docker.") }
}
