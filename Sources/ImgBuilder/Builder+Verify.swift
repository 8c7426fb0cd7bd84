import ImgChecks
import ImgExport
import ImgLayers
public import ImgOCI
public import ImgReport
import ImgStore
import ImgTasks
import ImgTree

/// The verdict on an image that is there already, platform by platform.
public struct VerifyReport: Sendable {
    /// One per image, in the order of the index; a platform that was asked for and isn't there comes last.
    public var platforms: [PlatformReport]
    /// One per consumer that was asked for.
    public var consumers: [ConsumerReport]

    /// Makes it from its parts, as tests without a builder need it.
    public init(platforms: [PlatformReport], consumers: [ConsumerReport]) {
        self.platforms = platforms
        self.consumers = consumers
    }

    /// One platform's verdict.
    public struct PlatformReport: Sendable {
        /// As the index lists it.
        public var platform: Platform
        /// Of its manifest; nil when there is none.
        public var digest: Digest?
        /// In the order a runtime would stumble over them.
        public var findings: [Diagnostic]

        /// Makes it from its parts, as tests without a builder need it.
        public init(platform: Platform, digest: Digest? = nil, findings: [Diagnostic]) {
            self.platform = platform
            self.digest = digest
            self.findings = findings
        }

        /// Whether a start is sure to fail.
        public var fails: Bool { findings.contains { $0.severity == .error } }
    }

    /// Whether one consumer can pull the image.
    public struct ConsumerReport: Sendable {
        /// As it was asked for, such as `fargate`.
        public var name: String
        /// In the order of the consumer's rules.
        public var findings: [Diagnostic]

        /// Makes it from its parts, as tests without a builder need it.
        public init(name: String, findings: [Diagnostic]) {
            self.name = name
            self.findings = findings
        }

        /// Whether it is sure to refuse the image.
        public var fails: Bool { findings.contains { $0.severity == .error } }
    }

    /// Whether any platform or consumer fails.
    public var fails: Bool { platforms.contains(where: \.fails) || consumers.contains(where: \.fails) }
}

extension Builder {
    /// Predicts whether an image will start on every platform it claims, from its documents and the indexes of its layers.
    ///
    /// - Parameters:
    ///   - location: Pushed by anyone.
    ///   - platforms: Those that must be there; empty takes what there is.
    ///   - consumers: Names of those that must be able to pull it, such as `fargate`.
    public func verify(
        _ location: ImageLocation,
        platforms: [Platform] = [],
        consumers: [String] = []
    ) async throws(BuildError) -> VerifyReport {
        let chosen = try Consumer.named(consumers)
        return try await perform { session in
            let source = try await session.open(location)
            let graph = try await GraphReader.graph(from: source)
            let layers = try await BaseLayers(session)
            let images = graph.images.filter { $0.config.descriptor.mediaType.isImageConfig && !Self.isAttestation($0) }
            guard !images.isEmpty else {
                throw BuildError(
                    .failure,
                    "\(location) holds no image that could start",
                    notes: graph.images.isEmpty
                        ? ["it is an index without entries"] : ["it is an artifact of another kind"]
                )
            }
            let verified = try await withThrowingTaskGroup(of: (Int, Verified).self) { group in
                for (number, image) in images.enumerated() {
                    group.addTask { (number, try await Self.verified(image, source, layers, session.pool)) }
                }
                var found: [Int: Verified] = [:]
                for try await (number, image) in group { found[number] = image }
                return found.sorted { $0.key < $1.key }.map(\.value)
            }
            var reports = verified.map(\.report)
            let missing = platforms.filter { wanted in !reports.contains { wanted.matchRank(of: $0.platform) != nil } }
            if !platforms.isEmpty {
                reports = reports.filter { report in platforms.contains { $0.matchRank(of: report.platform) != nil } }
            }
            let available = images.compactMap { $0.platform?.description }.joined(separator: ", ")
            reports += missing.map { platform in
                VerifyReport.PlatformReport(
                    platform: platform,
                    digest: nil,
                    findings: [
                        Diagnostic(
                            .error,
                            "\(location) has no image for \(platform)",
                            rule: CheckRule.platformMissing.rawValue,
                            notes: available.isEmpty ? [] : ["available: \(available)"],
                            hints: [
                                "build it with --platform \(([platform.description] + images.compactMap { $0.platform?.description }).joined(separator: ","))"
                            ]
                        )
                    ]
                )
            }
            let checked = verified.map(\.checked)
            return VerifyReport(
                platforms: reports,
                consumers: chosen.map { consumer in
                    let index = graph.index?.descriptor.mediaType
                    let check = ConsumerCheck(consumer: consumer, index: index, images: checked)
                    return VerifyReport.ConsumerReport(name: consumer.rawValue, findings: check.findings())
                }
            )
        }
    }

    /// What is known of one image.
    private struct Verified: Sendable {
        var report: VerifyReport.PlatformReport
        var checked: ConsumerCheck.Image
    }

    private static func isAttestation(_ image: ImageGraph.Image) -> Bool {
        image.manifest.descriptor.annotations["vnd.docker.reference.type"] != nil
            || image.manifest.descriptor.platform?.os == "unknown"
    }

    private static func verified(
        _ image: ImageGraph.Image,
        _ source: any ImageSource,
        _ layers: BaseLayers,
        _ pool: BlockingPool
    ) async throws -> Verified {
        let config = try ImageConfig(parsing: try await source.blob(image.config.descriptor, limit: ImageLimits.config))
        let platform = image.platform?.normalized ?? config.platform.normalized
        var findings: [Diagnostic] = []
        if platform.matchRank(of: config.platform) == nil {
            findings.append(
                Diagnostic(
                    .error,
                    "the index lists this image for \(platform), its configuration says \(config.platform.normalized)",
                    rule: CheckRule.wrongArchitecture.rawValue,
                    hints: ["build it again for \(platform)"]
                )
            )
        }
        guard config.diffIDs.count == image.layers.count else {
            throw BuildError(
                "\(source.name) contradicts itself: \(image.layers.count) layers and \(config.diffIDs.count) diff IDs"
            )
        }
        for (layer, diffID) in zip(image.layers, config.diffIDs) {
            layers.register(BaseLayers.Location(descriptor: layer.descriptor, diffID: diffID, source: source))
        }
        let tree = StageTree(
            layers: image.layers.map { layer in
                let digest = layer.descriptor.digest
                return (digest: digest, load: { try await layers.index(of: digest) })
            }
        )
        let files = StageFiles(tree: tree, own: [], pool: pool)
        let check = StartCheck(config: config, platform: platform, files: files)
        findings += try await check.findings()
        var orphans: [Int: String] = [:]
        for (place, layer) in image.layers.enumerated() {
            let path = try await layers.index(of: layer.descriptor.digest).orphan
            orphans[place] = path.map { "/" + String(decoding: $0, as: UTF8.self) }
        }
        return Verified(
            report: VerifyReport.PlatformReport(
                platform: platform,
                digest: image.manifest.descriptor.digest,
                findings: findings
            ),
            checked: ConsumerCheck.Image(
                platform: platform,
                manifest: try ImageManifest(parsing: image.manifest.bytes),
                history: config.history,
                orphans: orphans
            )
        )
    }
}
