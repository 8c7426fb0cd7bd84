import ImgBuilder
import ImgOCI
import Testing

@testable import ImgCLI

@Suite("Images and artifacts as text") struct InspectTextTests {
    private static let type = "application/vnd.example.cache"

    private static func description(_ platform: Platform, artifactType: String?) throws -> ImageDescription {
        let digest = try Digest(parsing: "sha256:" + String(repeating: "ab", count: 32))
        let manifest = Descriptor(mediaType: .ociManifest, digest: digest, size: 7)
        let image = ImageDescription.Image(
            platform: platform,
            manifest: manifest,
            layers: [],
            config: ImageConfig(platform: platform),
            artifactType: artifactType
        )
        return ImageDescription(root: manifest, rootBytes: [], images: [image])
    }

    @Test func anArtifactIsForNoPlatform() throws {
        let artifact = try Self.description(Platform(os: "", architecture: ""), artifactType: Self.type)
        let lines = InspectCommand.lines("x", artifact)
        #expect(lines.contains("  artifact"))
        #expect(lines.contains("    artifact    \(Self.type)"))
        #expect(!lines.contains("  /"))
        let json = InspectCommand.json("x", artifact)["images"]?.arrayValue?.first
        #expect(json?["platform"] == .null)
        #expect(json?["artifactType"]?.stringValue == Self.type)
    }

    @Test func anImageIs() throws {
        let image = try Self.description(Platform(os: "linux", architecture: "arm64"), artifactType: nil)
        #expect(InspectCommand.lines("x", image).contains("  linux/arm64"))
        let json = InspectCommand.json("x", image)["images"]?.arrayValue?.first
        #expect(json?["platform"]?.stringValue == "linux/arm64")
        #expect(json?["artifactType"] == nil)
    }
}
