import ImgExport
import ImgOCI
import ImgReport
import Testing

/// An index that lists indexes (PULL-11).
@Suite struct NestedIndexTests {
    /// Documents in memory.
    private struct Documents: ImageSource {
        let name = "reg.example/team/app"
        let repository: ImageReference? = nil
        var root: ImageGraph.Content
        var all: [Digest: [UInt8]] = [:]

        struct Missing: Error {}

        func resolve() async throws -> ImageGraph.Content { root }

        func manifest(_ descriptor: Descriptor) async throws -> [UInt8] {
            guard let bytes = all[descriptor.digest] else { throw Missing() }
            return bytes
        }

        func blob(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] { throw Missing() }

        func holds(_ descriptor: Descriptor) async -> Bool { false }

        func stream(_ descriptor: Descriptor) async throws -> ContentStream { throw Missing() }
    }

    private static func index(_ entries: [Descriptor]) -> ImageGraph.Content {
        let bytes = ImageIndex(manifests: entries).encoded()
        return ImageGraph.Content(descriptor: LayoutTests.descriptor(.ociIndex, bytes), bytes: bytes)
    }

    /// amd64, then an index of arm64 and s390x within `depth` more indexes, which are listed twice each.
    private func source(depth: Int) -> Documents {
        let images = ["amd64", "arm64", "s390x"].map { LayoutTests.image($0).manifest }
        var inner = Self.index(images.dropFirst().map(\.descriptor))
        var all = images + [inner]
        for _ in 0..<depth {
            inner = Self.index([inner.descriptor, inner.descriptor])
            all.append(inner)
        }
        let root = Self.index([images[0].descriptor, inner.descriptor])
        let pairs = all.map { ($0.descriptor.digest, $0.bytes) }
        return Documents(root: root, all: Dictionary(pairs) { first, _ in first })
    }

    @Test func imagesOfNestedIndexesAreFound() async throws {
        let source = source(depth: 2)
        let found = try await GraphReader.manifests(of: source.root, from: source)
        #expect(found.map(\.descriptor.platform?.architecture) == ["amd64", "arm64", "s390x"])
        let wanted = [Platform(os: "linux", architecture: "s390x")]
        let graph = try await GraphReader.graph(from: source, platforms: wanted)
        #expect(graph.images.map(\.platform) == wanted)
        #expect(graph.index == nil)
    }

    @Test func depthIsLimited() async throws {
        let source = source(depth: 3)
        let error = try await #require(throws: BuildError.self) {
            try await GraphReader.manifests(of: source.root, from: source)
        }
        #expect(error.description.contains("more than 4 deep"))
    }

    @Test func aWholeCopySaysWhatItCannotDo() async throws {
        let error = try await #require(throws: BuildError.self) { try await GraphReader.graph(from: source(depth: 0)) }
        #expect(error.description.contains("lists an index"))
        #expect(error.diagnostics.first?.hints == ["copy the images of some platforms with --platform"])
    }
}
