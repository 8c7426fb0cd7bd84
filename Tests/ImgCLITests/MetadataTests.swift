import ImgOCI
import ImgReport
import Testing

@testable import ImgBuilder
@testable import ImgCLI

@Suite("Files for other programs") struct MetadataTests {
    private static func digest(_ digit: Character) throws -> Digest {
        try Digest(parsing: "sha256:" + String(repeating: digit, count: 64))
    }

    private static func image(
        _ platform: String,
        _ digit: Character,
        _ findings: [Diagnostic] = []
    ) throws -> BuiltImage {
        BuiltImage(
            platform: try Platform(parsing: platform),
            manifest: Descriptor(mediaType: .ociManifest, digest: try digest(digit), size: 10),
            config: Descriptor(mediaType: .ociConfig, digest: try digest("c"), size: 20),
            layers: [
                Descriptor(mediaType: .ociLayerGzip, digest: try digest("d"), size: 30),
                Descriptor(mediaType: .ociLayerGzip, digest: try digest("e"), size: 40),
            ],
            baseLayerCount: 1,
            findings: findings
        )
    }

    private static func result(_ root: Descriptor, _ images: [BuiltImage]) throws -> BuildResult {
        BuildResult(
            root: root,
            images: images,
            pushed: [],
            names: [try ImageReference(parsing: "alpine"), try ImageReference(parsing: "ghcr.io/a/b:1")],
            warnings: []
        )
    }

    @Test func onePlatform() throws {
        let image = try Self.image("linux/amd64", "a")
        var root = image.manifest
        root.platform = image.platform
        let json = Metadata(try Self.result(root, [image])).json
        #expect(json["containerimage.digest"]?.stringValue == root.digest.description)
        #expect(json["containerimage.config.digest"]?.stringValue == image.config.digest.description)
        #expect(json["containerimage.descriptor"]?["platform"] == nil)
        #expect(json["image.name"]?.stringValue == "docker.io/library/alpine:latest,ghcr.io/a/b:1")
        let layers = try #require(json["imgbuild.platforms"]?.arrayValue?.first?["layers"]?.arrayValue)
        #expect(layers.map { $0["base"] } == [.bool(true), .bool(false)])
        #expect(layers.map { $0["size"]?.integerValue } == [30, 40])
        #expect(json["imgbuild.warnings"] == nil)
    }

    /// What nobody looked at is not well.
    @Test func checksThatAreOff() throws {
        var image = try Self.image("linux/amd64", "a")
        func verdict(_ image: BuiltImage) throws -> String? {
            let json = Metadata(try Self.result(image.manifest, [image])).json
            return json["imgbuild.platforms"]?.arrayValue?.first?["checks"]?["verdict"]?.stringValue
        }
        #expect(try verdict(image) == "ok")
        image.isChecked = false
        #expect(try verdict(image) == "off")
    }

    @Test func severalPlatforms() throws {
        let root = Descriptor(mediaType: .ociIndex, digest: try Self.digest("f"), size: 50)
        let failing = [Diagnostic(.warning, "w"), Diagnostic(.error, "e", rule: "no-command")]
        let images = [
            try Self.image("linux/amd64", "a"), try Self.image("linux/arm64", "b", failing),
            try Self.image("linux/386", "9", [Diagnostic(.warning, "w")]),
        ]
        let json = Metadata(try Self.result(root, images)).json
        #expect(json["containerimage.config.digest"] == nil)
        #expect(json["containerimage.descriptor"]?["mediaType"]?.stringValue == MediaType.ociIndex.rawValue)
        let platforms = try #require(json["imgbuild.platforms"]?.arrayValue)
        #expect(platforms.map { $0["platform"]?.stringValue } == ["linux/amd64", "linux/arm64", "linux/386"])
        #expect(platforms.map { $0["checks"]?["verdict"]?.stringValue } == ["ok", "fail", "warn"])
        #expect(platforms[1]["checks"]?["findings"]?.arrayValue?.last?["rule"]?.stringValue == "no-command")
    }
}
