import ImgExport
import ImgOCI
import ImgReport
import ImgStream
import ImgTasks
import ImgTestKit
import Testing

@Suite struct LayoutTests {
    static let pool = BlockingPool(threads: 2)

    static func descriptor(_ type: MediaType, _ bytes: [UInt8], _ platform: Platform? = nil) -> Descriptor {
        Descriptor(mediaType: type, digest: SHA256.digest(of: bytes), size: Int64(bytes.count), platform: platform)
    }

    static func image(_ architecture: String) -> ImageGraph.Image {
        let platform = Platform(os: "linux", architecture: architecture)
        let layer = Array("layer of \(architecture)".utf8)
        let config = ImageConfig(platform: platform).encoded()
        let configDescriptor = descriptor(.ociConfig, config)
        let layerDescriptor = descriptor(.ociLayerTar, layer)
        let manifest = ImageManifest(config: configDescriptor, layers: [layerDescriptor]).encoded()
        return ImageGraph.Image(
            platform: platform,
            manifest: ImageGraph.Content(descriptor: descriptor(.ociManifest, manifest, platform), bytes: manifest),
            config: Blob(descriptor: configDescriptor, origin: .bytes(config)),
            layers: [Blob(descriptor: layerDescriptor, origin: .bytes(layer))]
        )
    }

    static func graph() -> ImageGraph {
        let images = [image("amd64"), image("arm64")]
        let index = ImageIndex(manifests: images.map(\.manifest.descriptor)).encoded()
        return ImageGraph(
            images: images,
            index: ImageGraph.Content(descriptor: descriptor(.ociIndex, index), bytes: index)
        )
    }

    static func open(
        _ path: String,
        tag: String? = nil,
        digest: Digest? = nil,
        in scratch: Scratch
    ) async throws -> LayoutSource {
        try await LayoutSource(path: path, tag: tag, digest: digest, spoolingTo: scratch.path, pool: pool)
    }

    static func name(_ text: String) throws -> ImageReference { try ImageReference(parsing: text) }

    /// Who knows the size of a blob stops reading there: the last bytes come only if all are right (LAY-5).
    @Test(arguments: ["changed", "linked", "longer"])
    func otherContentIsNotGivenOut(_ damage: String) async throws {
        try await Scratch.with { scratch in
            let graph = Self.graph()
            try await LayoutExporter(path: scratch["layout"], names: [], pool: Self.pool).export(graph)
            let layer = try #require(graph.images.first?.layers.first).descriptor
            let path = "layout/blobs/sha256/\(layer.digest.hex)"
            switch damage {
            case "changed": try scratch.write(path, "other of amd64")
            case "longer": try scratch.write(path, "layer of amd64, and more")
            default:
                try scratch.write("secret", "layer of amd64")
                try await Program.output("ln", ["-sf", scratch["secret"], scratch[path]])
            }
            let source = try await Self.open(scratch["layout"], digest: graph.index?.descriptor.digest, in: scratch)
            await #expect(throws: BuildError.self) {
                for try await _ in try await source.stream(layer) { throw CancellationError() }
            }
            await #expect(throws: BuildError.self) { try await source.blob(layer, limit: 1000) }
        }
    }

    /// Blobs are known by either digest that is trusted.
    @Test(arguments: ["content", "other content"])
    func aDigestBySHA512IsCompared(_ content: String) async throws {
        try await Scratch.with { scratch in
            try await LayoutExporter(path: scratch["layout"], names: [], pool: Self.pool).export(Self.graph())
            try scratch.write("blob", content)
            let sum = try await Program.output("sh", ["-c", "printf content | sha512sum"], in: scratch.path)
            let digest = try Digest(parsing: "sha512:\(sum.prefix { $0 != " " })")
            try scratch.write("layout/blobs/sha512/\(digest.hex)", content)
            let blob = Descriptor(mediaType: .ociLayerTar, digest: digest, size: Int64(content.utf8.count))
            let source = try await Self.open(scratch["layout"], in: scratch)
            func streamed() async throws -> [UInt8] {
                var bytes: [UInt8] = []
                for try await chunk in try await source.stream(blob) { bytes += chunk }
                return bytes
            }
            if content == "content" {
                #expect(try await source.blob(blob, limit: 100) == Array(content.utf8))
                #expect(try await streamed() == Array(content.utf8))
            } else {
                await #expect(throws: BuildError.self) { try await source.blob(blob, limit: 100) }
                await #expect(throws: BuildError.self) { try await streamed() }
            }
        }
    }

    @Test func aLayoutIsReadBackAsItWasWritten() async throws {
        try await Scratch.with { scratch in
            let graph = Self.graph()
            let names = [try Self.name("app:1"), try Self.name("ghcr.io/o/app:2")]
            try await LayoutExporter(path: scratch["layout"], names: names, pool: Self.pool).export(graph)
            for (tag, digest) in [("1", nil), ("2", nil), (nil, graph.index?.descriptor.digest), (nil, nil)]
                as [(String?, Digest?)]
            {
                let source = try await Self.open(scratch["layout"], tag: tag, digest: digest, in: scratch)
                let copy = try await GraphReader.graph(from: source)
                #expect(copy.index?.bytes == graph.index?.bytes)
                #expect(copy.images.map(\.manifest.bytes) == graph.images.map(\.manifest.bytes))
                let layer = try #require(copy.images.last?.layers.first)
                var bytes: [UInt8] = []
                for try await chunk in try await source.stream(layer.descriptor) { bytes += chunk }
                #expect(bytes == Array("layer of arm64".utf8))
            }
        }
    }

    /// LAY-4: what another tool put there stays; the same name is replaced.
    @Test func writingAgainReplacesTheName() async throws {
        try await Scratch.with { scratch in
            let path = scratch["layout"]
            let first = ImageGraph(images: [Self.image("amd64")], index: nil)
            try await LayoutExporter(path: path, names: [try Self.name("other:1")], pool: Self.pool).export(first)
            try await LayoutExporter(path: path, names: [try Self.name("app:1")], pool: Self.pool).export(first)
            try await LayoutExporter(path: path, names: [try Self.name("app:1")], pool: Self.pool).export(Self.graph())
            let index = try ImageIndex(parsing: Array(try scratch.read("layout/index.json").utf8))
            #expect(index.manifests.count == 2)
            #expect(index.manifests.map(\.mediaType) == [.ociManifest, .ociIndex])
        }
    }

    private static func entries(_ scratch: Scratch) throws -> [Descriptor] {
        try ImageIndex(parsing: Array(try scratch.read("layout/index.json").utf8)).manifests
    }

    /// Without a name of an image a tag names the entry, instead of what the source calls it.
    @Test func aTagIsEnoughForAName() async throws {
        try await Scratch.with { scratch in
            var graph = ImageGraph(images: [Self.image("amd64")], index: nil)
            graph.images[0].manifest.descriptor.annotations = [
                "io.containerd.image.name": "docker.io/library/app:1", "org.opencontainers.image.ref.name": "1",
            ]
            for _ in 1...2 {
                try await LayoutExporter(path: scratch["layout"], names: [], tag: "new", pool: Self.pool).export(graph)
            }
            let entries = try Self.entries(scratch)
            #expect(entries.map(\.annotations) == [["org.opencontainers.image.ref.name": "new"]])
            #expect(
                try OCILayout.open(scratch["layout"], spoolingTo: scratch.path).select(tag: "new", digest: nil).digest
                    == entries[0].digest
            )
            try await LayoutExporter(path: scratch["layout"], names: [], pool: Self.pool).export(graph)
            #expect(try Self.entries(scratch).last?.annotations["org.opencontainers.image.ref.name"] == "1")
            // The name takes the place of the tag alone, and the tag that of the name.
            let name = try Self.name("ghcr.io/o/app:new")
            try await LayoutExporter(path: scratch["layout"], names: [name], pool: Self.pool).export(graph)
            let names = try Self.entries(scratch).map { $0.annotations["io.containerd.image.name"] }
            #expect(names == ["docker.io/library/app:1", "ghcr.io/o/app:new"])
            try await LayoutExporter(path: scratch["layout"], names: [], tag: "new", pool: Self.pool).export(graph)
            #expect(
                try Self.entries(scratch).map { $0.annotations["org.opencontainers.image.ref.name"] } == ["1", "new"]
            )
            let archive = ArchiveExporter(path: scratch["x.tar"], form: .docker, names: [], tag: "new", pool: Self.pool)
            try await archive.export(graph)
            let text = try await Program.output("tar", ["-xOf", scratch["x.tar"], "index.json"])
            let index = try ImageIndex(parsing: Array(text.utf8))
            #expect(index.manifests.map(\.annotations) == [["org.opencontainers.image.ref.name": "new"]])
        }
    }

    /// LAY-2.
    @Test func anEntrySaysWhenTheImageWasMade() async throws {
        try await Scratch.with { scratch in
            var image = Self.image("amd64")
            var config = ImageConfig(platform: Platform(os: "linux", architecture: "amd64"))
            config.created = "2024-05-06T07:08:09Z"
            let bytes = config.encoded()
            image.config = Blob(descriptor: Self.descriptor(.ociConfig, bytes), origin: .bytes(bytes))
            let graph = ImageGraph(images: [image], index: nil)
            try await LayoutExporter(path: scratch["layout"], names: [try Self.name("app:1")], pool: Self.pool)
                .export(graph)
            let key = "org.opencontainers.image.created"
            #expect(try Self.entries(scratch).map { $0.annotations[key] } == ["2024-05-06T07:08:09Z"])
        }
    }

    /// A crash may leave a file of the right size without its content.
    @Test func aDamagedBlobIsWrittenAgain() async throws {
        try await Scratch.with { scratch in
            let graph = ImageGraph(images: [Self.image("amd64")], index: nil)
            let exporter = LayoutExporter(path: scratch["layout"], names: [try Self.name("app:1")], pool: Self.pool)
            try await exporter.export(graph)
            let layer = try #require(graph.images.first?.layers.first?.descriptor)
            let file = "layout/blobs/sha256/\(layer.digest.hex)"
            try scratch.write(file, String(repeating: "\0", count: Int(layer.size)))
            try await exporter.export(graph)
            #expect(try scratch.read(file) == "layer of amd64")
        }
    }

    @Test func damageAndAbsenceAreErrors() async throws {
        try await Scratch.with { scratch in
            let graph = ImageGraph(images: [Self.image("amd64")], index: nil)
            try await LayoutExporter(path: scratch["layout"], names: [try Self.name("app:1")], pool: Self.pool)
                .export(graph)
            await #expect(throws: BuildError.self) {
                try await Self.open(scratch["layout"], tag: "9", in: scratch).resolve()
            }
            await #expect(throws: BuildError.self) {
                try await Self.open(scratch["nowhere"], in: scratch)
            }
            let layer = try #require(graph.images.first?.layers.first?.descriptor)
            try scratch.write("layout/blobs/sha256/\(layer.digest.hex)", "layer of AMD64")
            let source = try await Self.open(scratch["layout"], in: scratch)
            await #expect(throws: BuildError.self) {
                for try await _ in try await source.stream(layer) {}
            }
        }
    }

    @Test func aDockerArchiveHoldsOnePlatform() async throws {
        try await Scratch.with { scratch in
            let two = ArchiveExporter(path: scratch["two.tar"], form: .docker, names: [], pool: Self.pool)
            await #expect(throws: BuildError.self) { try await two.export(Self.graph()) }
            let one = ArchiveExporter(
                path: scratch["one.tar"],
                form: .docker,
                names: [try Self.name("app:1")],
                pool: Self.pool
            )
            try await one.export(ImageGraph(images: [Self.image("amd64")], index: nil))
            let listing = try await Program.output("tar", ["-xOf", scratch["one.tar"], "manifest.json"])
            let manifest = try JSON.parse(Array(listing.utf8)).arrayValue?.first
            #expect(manifest?["RepoTags"]?.stringArray == ["app:1"])
            #expect(manifest?["Layers"]?.stringArray?.count == 1)
        }
    }

    /// The same graph gives the same archive, byte for byte.
    @Test func archivesAreReproducible() async throws {
        try await Scratch.with { scratch in
            for name in ["a.tar", "b.tar"] {
                try await ArchiveExporter(path: scratch[name], form: .ociLayout, names: [], pool: Self.pool)
                    .export(Self.graph())
            }
            #expect(try await Program.run("cmp", [scratch["a.tar"], scratch["b.tar"]]).status == 0)
        }
    }
}
