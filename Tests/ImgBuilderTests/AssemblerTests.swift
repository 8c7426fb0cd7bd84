import ImgExport
import ImgOCI
import Testing

@testable import ImgBuilder

@Suite("Documents of an image") struct AssemblerTests {
    private static func digest(_ digit: Character) throws -> Digest {
        try Digest(parsing: "sha256:" + String(repeating: digit, count: 64))
    }

    /// One gzip layer that carries what a descriptor of a store may have beyond type, digest and size.
    private static func parts(_ platform: String, layer type: MediaType = .ociLayerGzip) throws -> Assembler.Parts {
        let platform = try Platform(parsing: platform).normalized
        var config = ImageConfig(platform: platform)
        config.diffIDs = [try digest("b")]
        let layer = Descriptor(
            mediaType: type,
            digest: try digest("a"),
            size: 7,
            annotations: ["internal": "yes"],
            platform: platform
        )
        return Assembler.Parts(
            platform: platform,
            config: config,
            layers: [Blob(descriptor: layer, origin: .bytes([]))]
        )
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func theManifestHasTheseBytesAndNoInternals() throws {
        let image = Assembler(usesDockerTypes: false, annotations: []).image(try Self.parts("linux/amd64"))
        let config = image.config.descriptor
        #expect(
            Self.text(image.manifest.bytes) == """
                {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\
                "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\(config.digest)",\
                "size":\(config.size)},\
                "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",\
                "digest":"sha256:\(String(repeating: "a", count: 64))","size":7}]}
                """
        )
        #expect(image.manifest.descriptor.size == Int64(image.manifest.bytes.count))
        #expect(image.manifest.descriptor.platform?.description == "linux/amd64")
    }

    @Test func theConfigurationNamesPlatformAndLayers() throws {
        let image = Assembler(usesDockerTypes: false, annotations: []).image(try Self.parts("linux/arm64"))
        guard case .bytes(let bytes) = image.config.origin else {
            Issue.record("the configuration is not in memory")
            return
        }
        let json = try JSON.parse(bytes)
        #expect(json["architecture"]?.stringValue == "arm64")
        #expect(json["rootfs"]?["diff_ids"]?.stringArray == [try Self.digest("b").description])
        #expect(image.config.descriptor.size == Int64(bytes.count))
    }

    @Test(arguments: [
        (MediaType.dockerLayerGzip, false, MediaType.ociLayerGzip), (.ociLayerGzip, true, .dockerLayerGzip),
        (.ociLayerZstd, false, .ociLayerZstd), (.ociLayerTar, true, .dockerLayerTar),
    ])
    func oneFamilyOfTypes(_ given: MediaType, _ docker: Bool, _ written: MediaType) throws {
        let assembler = Assembler(usesDockerTypes: docker, annotations: [])
        let image = assembler.image(try Self.parts("linux/amd64", layer: given))
        let manifest = try ImageManifest(parsing: image.manifest.bytes)
        #expect(manifest.layers.map(\.mediaType) == [written])
        #expect(manifest.mediaType == (docker ? .dockerManifest : .ociManifest))
        #expect(manifest.config.mediaType == (docker ? .dockerConfig : .ociConfig))
        #expect(manifest.layers[0].annotations.isEmpty)
        #expect(manifest.layers[0].platform == nil)
    }

    @Test func annotationsGoWhereTheyBelong() throws {
        let arm = try Platform(parsing: "linux/arm64")
        let assembler = Assembler(
            usesDockerTypes: false,
            annotations: [
                AnnotationRequest(level: .manifest, platform: nil, key: "all", value: "1"),
                AnnotationRequest(level: .manifest, platform: arm, key: "arm", value: "2"),
                AnnotationRequest(level: .manifestDescriptor, platform: arm, key: "entry", value: "3"),
                AnnotationRequest(level: .index, platform: nil, key: "index", value: "4"),
                AnnotationRequest(level: .indexDescriptor, platform: nil, key: "root", value: "5"),
            ]
        )
        let images = [assembler.image(try Self.parts("linux/amd64")), assembler.image(try Self.parts("linux/arm64"))]
        let manifests = try images.map { try ImageManifest(parsing: $0.manifest.bytes) }
        #expect(manifests.map(\.annotations) == [["all": "1"], ["all": "1", "arm": "2"]])
        let root = try #require(assembler.index(images, isForced: false))
        let index = try ImageIndex(parsing: root.bytes)
        #expect(index.annotations == ["index": "4"])
        #expect(index.manifests.map(\.annotations) == [[:], ["entry": "3"]])
        #expect(root.descriptor.annotations == ["root": "5"])
    }

    @Test func indexInTheOrderOfThePlatforms() throws {
        let assembler = Assembler(usesDockerTypes: false, annotations: [])
        let images = try ["linux/arm/v7", "linux/amd64", "linux/386"].map { assembler.image(try Self.parts($0)) }
        let root = try #require(assembler.index(images, isForced: false))
        let index = try ImageIndex(parsing: root.bytes)
        #expect(index.manifests.map { $0.platform?.description } == ["linux/arm/v7", "linux/amd64", "linux/386"])
        #expect(
            Self.text(root.bytes)
                .hasPrefix(
                    #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"#
                )
        )
    }

    @Test func oneImageNeedsNoIndex() throws {
        let assembler = Assembler(usesDockerTypes: true, annotations: [])
        let images = [assembler.image(try Self.parts("linux/amd64"))]
        #expect(assembler.index(images, isForced: false) == nil)
        #expect(assembler.index(images, isForced: true)?.descriptor.mediaType == .dockerManifestList)
    }

    @Test func theSamePartsMakeTheSameManifest() throws {
        let assembler = Assembler(usesDockerTypes: false, annotations: [])
        let (first, second) = (
            assembler.image(try Self.parts("linux/amd64")), assembler.image(try Self.parts("linux/amd64"))
        )
        #expect(first.manifest.bytes == second.manifest.bytes)
        #expect(first.manifest.descriptor.digest == second.manifest.descriptor.digest)
    }
}
