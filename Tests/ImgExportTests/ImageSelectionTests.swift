import ImgExport
import ImgOCI
import ImgReport
import Testing

/// Documents in memory.
private struct MemorySource: ImageSource {
    var root: ImageGraph.Content
    var documents: [Digest: [UInt8]]

    var name: String { "memory" }
    var repository: ImageReference? { nil }

    func resolve() async throws -> ImageGraph.Content { root }

    func manifest(_ descriptor: Descriptor) async throws -> [UInt8] { try #require(documents[descriptor.digest]) }

    func blob(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] {
        try #require(documents[descriptor.digest])
    }

    func holds(_ descriptor: Descriptor) async -> Bool { false }

    func stream(_ descriptor: Descriptor) async throws -> ContentStream { ContentStream { nil } }
}

@Suite struct ImageSelectionTests {
    static let images = [LayoutTests.image("amd64"), LayoutTests.image("arm64")]

    /// - Parameter levels: Indexes around the images.
    private static func source(
        _ images: [ImageGraph.Image] = images,
        levels: Int,
        declaresPlatforms: Bool = true
    ) -> MemorySource {
        var documents: [Digest: [UInt8]] = [:]
        for image in images {
            documents[image.manifest.descriptor.digest] = image.manifest.bytes
            if case .bytes(let bytes) = image.config.origin { documents[image.config.descriptor.digest] = bytes }
        }
        var entries = images.map { image in
            var entry = image.manifest.descriptor
            if !declaresPlatforms { entry.platform = nil }
            return entry
        }
        var root = images[0].manifest
        for _ in 0..<levels {
            let bytes = ImageIndex(manifests: entries).encoded()
            root = ImageGraph.Content(descriptor: LayoutTests.descriptor(.ociIndex, bytes), bytes: bytes)
            documents[root.descriptor.digest] = bytes
            entries = [root.descriptor]
        }
        return MemorySource(root: root, documents: documents)
    }

    private static func select(
        _ architecture: String,
        _ source: MemorySource,
        takesLesser: Bool = false
    ) async throws -> Digest {
        try await ImageSelection.manifest(
            for: Platform(os: "linux", architecture: architecture),
            below: source.root,
            of: source,
            takesLesser: takesLesser,
            remedy: "--option"
        )
        .descriptor.digest
    }

    /// PULL-11: nested indexes are descended, and a configuration speaks for an entry without platform.
    @Test(arguments: [(1, true), (2, true), (4, true), (1, false), (3, false)])
    func choosesByPlatform(_ levels: Int, _ declaresPlatforms: Bool) async throws {
        let source = Self.source(levels: levels, declaresPlatforms: declaresPlatforms)
        #expect(try await Self.select("arm64", source) == Self.images[1].manifest.descriptor.digest)
        #expect(try await Self.select("amd64", source) == Self.images[0].manifest.descriptor.digest)
    }

    @Test func aSingleManifestIsTakenAsItIs() async throws {
        #expect(try await Self.select("s390x", Self.source(levels: 0)) == Self.images[0].manifest.descriptor.digest)
    }

    @Test(arguments: [(1, true), (2, true), (2, false)])
    func whatIsMissingIsSaid(_ levels: Int, _ declaresPlatforms: Bool) async throws {
        let source = Self.source(levels: levels, declaresPlatforms: declaresPlatforms)
        let error = await #expect(throws: BuildError.self) { try await Self.select("s390x", source) }
        #expect(error?.code == .notFound)
        #expect(error?.diagnostics.first?.message.contains("there is no image for linux/s390x") == true)
        #expect(error?.diagnostics.first?.notes == ["available: linux/amd64, linux/arm64"])
        #expect(error?.diagnostics.first?.hints.count == 1)
    }

    /// PULL-10: an image of a lesser architecture is taken only where that is asked for.
    @Test(arguments: [("amd64", "386", true), ("arm64", "arm", true), ("amd64", "386", false)])
    func lesserArchitectures(_ wanted: String, _ offered: String, _ declaresPlatforms: Bool) async throws {
        let images = [LayoutTests.image("s390x"), LayoutTests.image(offered)]
        let source = Self.source(images, levels: 2, declaresPlatforms: declaresPlatforms)
        let error = await #expect(throws: BuildError.self) { try await Self.select(wanted, source) }
        #expect(error?.code == .notFound)
        let hint = try #require(error?.diagnostics.first?.hints.last)
        #expect(hint.hasPrefix("--option takes the image for linux/\(offered)"), "\(hint)")
        let digest = try await Self.select(wanted, source, takesLesser: true)
        #expect(digest == images[1].manifest.descriptor.digest)
        // Only if there is nothing better, and never the other way round.
        let best = LayoutTests.image(wanted)
        let both = Self.source([images[1], best], levels: 1)
        #expect(try await Self.select(wanted, both, takesLesser: true) == best.manifest.descriptor.digest)
        let greater = Self.source([best], levels: 1)
        await #expect(throws: BuildError.self) { try await Self.select(offered, greater, takesLesser: true) }
    }

    @Test func deeperNestingIsRefused() async {
        await #expect(throws: BuildError.self) { try await Self.select("amd64", Self.source(levels: 5)) }
    }

    /// PULL-22.
    @Test func onlyImagesAreBases() throws {
        let image = Self.images[0]
        var manifest = try ImageManifest(parsing: image.manifest.bytes)
        try ImageSelection.checkKind(of: manifest, named: "base")
        manifest.layers[0].mediaType = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+gzip+encrypted")
        let encrypted = #expect(throws: BuildError.self) { try ImageSelection.checkKind(of: manifest, named: "base") }
        #expect(encrypted?.description == "base: encrypted layers are not supported")
        manifest.layers[0].mediaType = MediaType(rawValue: "text/plain")
        let unknown = #expect(throws: BuildError.self) { try ImageSelection.checkKind(of: manifest, named: "base") }
        #expect(unknown?.description == "base: layers of type text/plain are not supported")
        manifest.layers = []
        manifest.config.mediaType = MediaType(rawValue: "application/vnd.cncf.helm.config.v1+json")
        #expect(throws: BuildError.self) { try ImageSelection.checkKind(of: manifest, named: "base") }
    }
}
