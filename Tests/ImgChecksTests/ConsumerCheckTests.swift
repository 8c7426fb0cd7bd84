import ImgChecks
import ImgOCI
import ImgReport
import ImgTestKit
import Testing

/// What consumers refuse.
@Suite struct ConsumerCheckTests {
    private func image(
        _ platform: String = "amd64",
        _ layers: [MediaType] = [.ociLayerGzip, .ociLayerGzip],
        manifest: MediaType = .ociManifest,
        history: Int = 2
    ) -> ConsumerCheck.Image {
        let digest = Digest(sha256: [UInt8](repeating: 1, count: 32))
        let platform = Platform(os: "linux", architecture: platform)
        let type: MediaType = manifest == .dockerManifest ? .dockerConfig : .ociConfig
        return ConsumerCheck.Image(
            platform: platform,
            manifest: ImageManifest(
                mediaType: manifest,
                config: Descriptor(mediaType: type, digest: digest, size: 1),
                layers: layers.map { Descriptor(mediaType: $0, digest: digest, size: 1) }
            ),
            history: Array(repeating: HistoryEntry(), count: history) + [HistoryEntry(emptyLayer: true)]
        )
    }

    private func rules(_ consumer: Consumer, _ images: [ConsumerCheck.Image], index: MediaType? = nil) -> [String] {
        ConsumerCheck(consumer: consumer, index: index, images: images).findings()
            .map { "\($0.severity.rawValue) \($0.rule ?? "")" }
    }

    @Test(arguments: Consumer.allCases) func plainImagesPass(_ consumer: Consumer) {
        #expect(rules(consumer, [image(consumer.rawValue.hasSuffix("arm64") ? "arm64" : "amd64")]) == [])
    }

    @Test func findingsNameTheirSource() throws {
        let findings = ConsumerCheck(consumer: .lambda, index: .ociIndex, images: [image(history: 0)]).findings()
        #expect(findings.map(\.rule) == ["index-not-supported", "history-missing"])
        #expect(findings.allSatisfy { $0.url?.hasPrefix("https://") == true })
    }

    @Test func theConsumersDefaultPlatformMustBeThere() {
        #expect(rules(.fargate, [image("arm64")]) == ["error default-platform-missing"])
        #expect(rules(.fargate, [image("arm64"), image("amd64")], index: .ociIndex) == [])
        #expect(rules(.fargateARM64, [image("amd64")]) == ["error default-platform-missing"])
        #expect(rules(.lambda, [image("arm64")]) == ["error default-platform-missing"])
    }

    @Test func lambdaTakesNoIndex() {
        #expect(rules(.lambda, [image()], index: .ociIndex) == ["error index-not-supported"])
        #expect(rules(.docker20, [image()], index: .ociIndex) == [])
    }

    @Test func compressionsThatConsumersRefuse() {
        let plain = image("amd64", [.ociLayerGzip, .ociLayerTar])
        let zstd = image("amd64", [.ociLayerZstd, .ociLayerZstd])
        #expect(rules(.lambda, [plain]) == ["error compression-not-supported"])
        #expect(rules(.docker20, [plain]) == [])
        #expect(rules(.docker20, [zstd]) == ["error compression-not-supported"])
        #expect(rules(.fargate, [zstd]) == [])
        #expect(rules(.fargate, [image("amd64", [.ociLayerZstd, .ociLayerGzip])]) == ["warning mixed-compression"])
    }

    @Test func mixedMediaTypesAreRefused() {
        let mixed = image("amd64", [.dockerLayerGzip, .ociLayerGzip], manifest: .dockerManifest)
        #expect(rules(.podman, [mixed]) == ["error mixed-media-types"])
        #expect(rules(.quay, [mixed]) == ["error mixed-media-types"])
        #expect(rules(.quay, [image()], index: .dockerManifestList) == ["error mixed-media-types"])
        #expect(rules(.podman, [image()], index: .dockerManifestList) == [])
    }

    @Test func missingHistoryAndParentsAreFound() {
        #expect(rules(.artifactory, [image(history: 1)]) == ["error history-missing"])
        #expect(rules(.lambda, [image(history: 0)]) == ["error history-missing"])
        var orphan = image()
        orphan.orphans = [1: "/a/b"]
        #expect(rules(.lambda, [orphan]) == ["warning parent-directory-missing"])
        #expect(rules(.fargate, [orphan]) == [])
    }
}

@Suite("Documents") struct RuleDocumentTests {
    @Test(arguments: CheckRule.allCases) func everyRuleIsExplained(_ rule: CheckRule) async throws {
        let text = try await Program.output("cat", [Project.root + "/docs/checks.md"])
        #expect(text.contains("`\(rule.rawValue)`"))
    }
}
