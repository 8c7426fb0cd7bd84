import ImgExport
import ImgOCI
import ImgReport
import ImgStream
import ImgTasks
import ImgTestKit
import Testing

@testable import ImgBuilder

/// Indexes over images in layouts; nothing is pushed.
@Suite("Joining images") struct IndexTests {
    private static let pool = BlockingPool(threads: 2)

    private static func content(_ type: MediaType, _ bytes: [UInt8], _ platform: Platform? = nil) -> ImageGraph.Content
    {
        ImageGraph.Content(
            descriptor: Descriptor(
                mediaType: type,
                digest: SHA256.digest(of: bytes),
                size: Int64(bytes.count),
                platform: platform
            ),
            bytes: bytes
        )
    }

    private static func image(
        _ architecture: String,
        isDocker: Bool = false,
        config type: MediaType? = nil
    ) -> ImageGraph.Image {
        let platform = Platform(os: "linux", architecture: architecture)
        let types = DocumentTypes(usesDocker: isDocker)
        let config = content(type ?? types.config, ImageConfig(platform: platform).encoded())
        let manifest = ImageManifest(mediaType: types.manifest, config: config.descriptor, layers: []).encoded()
        return ImageGraph.Image(
            platform: platform,
            manifest: content(types.manifest, manifest, type == nil ? platform : nil),
            config: Blob(descriptor: config.descriptor, origin: .bytes(config.bytes)),
            layers: []
        )
    }

    /// What says something about an image.
    private static func attestation(of image: ImageGraph.Image) -> ImageGraph.Image {
        var attestation = Self.image("unknown")
        let subject = image.manifest.descriptor.digest.description
        let manifest = ImageManifest(
            config: attestation.config.descriptor,
            layers: [],
            annotations: ["about": subject]
        )
        .encoded()
        attestation.platform = Platform(os: "unknown", architecture: "unknown")
        attestation.manifest = content(.ociManifest, manifest, attestation.platform)
        attestation.manifest.descriptor.annotations = [
            "vnd.docker.reference.digest": subject, "vnd.docker.reference.type": "attestation-manifest",
        ]
        return attestation
    }

    /// Writes a layout, with an index where there are several images.
    private static func write(_ images: [ImageGraph.Image], as name: String, _ scratch: Scratch) async throws {
        var graph = ImageGraph(images: images, index: nil)
        if images.count > 1 {
            graph.index = content(.ociIndex, ImageIndex(manifests: images.map(\.manifest.descriptor)).encoded())
        }
        try await LayoutExporter(
            path: scratch[name],
            names: [try ImageReference(parsing: "secret-project:1")],
            pool: pool
        )
        .export(graph)
    }

    private static func create(
        _ names: [String],
        _ scratch: Scratch,
        platforms: [String] = [],
        annotations: [String: String] = [:]
    ) async throws -> ImageIndex {
        let environment = BuilderEnvironment(
            variables: [:],
            homeDirectory: scratch.path,
            workingDirectory: scratch.path
        )
        var request = IndexRequest(
            sources: names.map { .layout(path: scratch[$0], tag: nil, digest: nil) },
            tags: []
        )
        request.isDryRun = true
        request.platforms = try platforms.map { try Platform(parsing: $0) }
        request.annotations = annotations
        return try await Builder(environment: environment, events: RecordedEvents()).createIndex(request).index
    }

    @Test func aPlatformThatNoSourceHasIsAnError() async throws {
        try await Scratch.with { scratch in
            try await Self.write([Self.image("amd64"), Self.image("s390x")], as: "a", scratch)
            try await Self.write([Self.image("arm64")], as: "b", scratch)
            let index = try await Self.create(["a", "b"], scratch, platforms: ["linux/amd64", "linux/arm64"])
            #expect(index.manifests.compactMap(\.platform?.architecture) == ["amd64", "arm64"])
            let error = await #expect(throws: BuildError.self) {
                try await Self.create(["a"], scratch, platforms: ["linux/amd64", "linux/arm64"])
            }
            #expect(error?.code == .notFound)
            #expect(error?.description == "no source has an image for linux/arm64")
            #expect(error?.diagnostics.first?.notes == ["available: linux/amd64, linux/s390x"])
        }
    }

    /// LAY-2: what a layout calls an image is of no use elsewhere, and nobody else's business.
    @Test func aLayoutsNamesStayThere() async throws {
        try await Scratch.with { scratch in
            var image = Self.image("amd64")
            image.manifest.descriptor.annotations = ["org.example.kept": "yes"]
            try await Self.write([image], as: "a", scratch)
            let index = try await Self.create(["a"], scratch)
            #expect(index.manifests.map(\.annotations) == [["org.example.kept": "yes"]])
        }
    }

    /// DEF-9.
    @Test func anArtifactHasNoPlaceInAnIndex() async throws {
        try await Scratch.with { scratch in
            let type = MediaType(rawValue: "application/vnd.example.config+json")
            try await Self.write([Self.image("amd64", config: type)], as: "a", scratch)
            let error = await #expect(throws: BuildError.self) { try await Self.create(["a"], scratch) }
            #expect(error?.description.contains("is no image: its config is of type \(type)") == true)
        }
    }

    /// MT-2.
    @Test func anIndexIsOfTheFamilyOfItsImages() async throws {
        try await Scratch.with { scratch in
            let docker = Self.image("amd64", isDocker: true)
            try await Self.write([docker], as: "docker", scratch)
            try await Self.write([Self.image("arm64")], as: "oci", scratch)
            #expect(try await Self.create(["docker"], scratch).mediaType == .dockerManifestList)
            #expect(try await Self.create(["oci"], scratch).mediaType == .ociIndex)
            let mixed = await #expect(throws: BuildError.self) { try await Self.create(["docker", "oci"], scratch) }
            #expect(mixed?.diagnostics.first?.notes.first?.contains("\(docker.manifest.descriptor.digest)") == true)
            let annotated = await #expect(throws: BuildError.self) {
                try await Self.create(["docker"], scratch, annotations: ["a": "b"])
            }
            #expect(annotated?.code == .usage)
        }
    }

    @Test func attestationsGoWithTheirImages() async throws {
        try await Scratch.with { scratch in
            let (amd64, arm64) = (Self.image("amd64"), Self.image("arm64"))
            let attestations = [Self.attestation(of: amd64), Self.attestation(of: arm64)]
            try await Self.write([amd64, arm64] + attestations, as: "a", scratch)
            let all = try await Self.create(["a"], scratch)
            #expect(
                all.manifests == [amd64, arm64].map(\.manifest.descriptor) + attestations.map(\.manifest.descriptor)
            )
            let one = try await Self.create(["a"], scratch, platforms: ["linux/arm64"])
            #expect(one.manifests == [arm64, attestations[1]].map(\.manifest.descriptor))
        }
    }

    /// A source replaces what the index had, together with what was said about it; two sources never agree.
    @Test func onlyTheIndexThatIsAppendedToGivesWay() throws {
        let (old, new) = (Self.image("amd64"), Self.image("amd64", isDocker: true))
        var joined = JoinedImages(platforms: [Platform(os: "linux", architecture: "amd64")])
        for image in [old, Self.attestation(of: old), Self.image("arm64")] {
            try joined.add(image, isReplaceable: true)
        }
        try joined.add(new)
        let digests = try joined.finished().map(\.manifest.descriptor.digest)
        #expect(digests == [new, Self.image("arm64")].map(\.manifest.descriptor.digest))
        let error = #expect(throws: BuildError.self) { try joined.add(old) }
        #expect(error?.description == "linux/amd64 comes from two sources")
    }
}
