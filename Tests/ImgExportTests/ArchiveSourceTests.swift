import ImgExport
import ImgOCI
import ImgReport
import ImgStream
import ImgTestKit
import Testing

/// Layouts in a tar, read where they lie.
@Suite struct ArchiveSourceTests {
    static func content(of layer: Descriptor, _ source: LayoutSource) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in try await source.stream(layer) { bytes += chunk }
        return bytes
    }

    @Test(arguments: [[], ["gzip"], ["zstd", "-q", "--rm"], ["xz"], ["bzip2"]])
    func isReadAsItWasWritten(_ compressor: [String]) async throws {
        try await Scratch.with { scratch in
            let graph = LayoutTests.graph()
            let names = [try LayoutTests.name("app:1"), try LayoutTests.name("ghcr.io/o/app:2")]
            try await ArchiveExporter(path: scratch["x.tar"], form: .ociLayout, names: names, pool: LayoutTests.pool)
                .export(graph)
            if let program = compressor.first {
                try await Program.output(program, compressor.dropFirst() + [scratch["x.tar"]])
            }
            let file = try #require(scratch.names().first)
            for tag in ["1", "2", "ghcr.io/o/app:2", "docker.io/library/app:1", nil] {
                let source = try await LayoutTests.open(scratch[file], tag: tag, in: scratch)
                let copy = try await GraphReader.graph(from: source)
                #expect(copy.index?.bytes == graph.index?.bytes)
                let layer = try #require(copy.images.last?.layers.first).descriptor
                #expect(await source.holds(layer))
                #expect(try await Self.content(of: layer, source) == Array("layer of arm64".utf8))
            }
            let error = await #expect(throws: BuildError.self) {
                try await LayoutTests.open(scratch[file], tag: "3", in: scratch).resolve()
            }
            #expect(error?.code == .notFound)
            #expect(error?.diagnostics.first?.notes.contains { $0.contains("ghcr.io/o/app:2 sha256:") } == true)
            #expect(scratch.names() == [file], "what was unpacked has no name")
        }
    }

    /// A digest selects what is below an entry, too.
    @Test func aDigestSelects() async throws {
        try await Scratch.with { scratch in
            let graph = LayoutTests.graph()
            try await ArchiveExporter(path: scratch["x.tar"], form: .ociLayout, names: [], pool: LayoutTests.pool)
                .export(graph)
            let child = graph.images[1].manifest
            let found = try await LayoutTests.open(scratch["x.tar"], digest: child.descriptor.digest, in: scratch)
                .resolve()
            #expect(found.bytes == child.bytes)
        }
    }

    @Test func otherContentIsNotGivenOut() async throws {
        try await Scratch.with { scratch in
            let graph = LayoutTests.graph()
            try await ArchiveExporter(path: scratch["x.tar"], form: .ociLayout, names: [], pool: LayoutTests.pool)
                .export(graph)
            try await Program.output("sed", ["-i", "s/layer of amd64/layer of AMD64/", scratch["x.tar"]])
            let source = try await LayoutTests.open(scratch["x.tar"], in: scratch)
            let layers = try await GraphReader.graph(from: source).images.map { $0.layers[0].descriptor }
            await #expect(throws: BuildError.self) {
                for try await _ in try await source.stream(layers[0]) { throw CancellationError() }
            }
            #expect(try await Self.content(of: layers[1], source) == Array("layer of arm64".utf8))
        }
    }

    /// Docker's newer archives are both: the index keeps the digests.
    @Test func theIndexComesBeforeTheManifest() async throws {
        try await Scratch.with { scratch in
            let graph = ImageGraph(images: [LayoutTests.image("amd64")], index: nil)
            try await ArchiveExporter(path: scratch["x.tar"], form: .docker, names: [], pool: LayoutTests.pool)
                .export(graph)
            let found = try await LayoutTests.open(scratch["x.tar"], in: scratch).resolve()
            #expect(found.bytes == graph.root?.bytes)
        }
    }

    /// An index may list what was not saved.
    @Test func missingManifestsHaveARemedy() async throws {
        try await Scratch.with { scratch in
            let graph = LayoutTests.graph()
            try await LayoutExporter(path: scratch["layout"], names: [], pool: LayoutTests.pool).export(graph)
            let absent = graph.images[1].manifest.descriptor.digest
            try await Program.output(
                "tar",
                ["-cf", "x.tar", "--exclude", absent.hex, "-C", "layout", "."],
                in: scratch.path
            )
            let source = try await LayoutTests.open(scratch["x.tar"], in: scratch)
            let error = await #expect(throws: BuildError.self) { try await GraphReader.graph(from: source) }
            #expect(error?.description.contains("\(absent)") == true)
            #expect(error?.diagnostics.first?.hints.contains { $0.contains("--platform") } == true)
            let amd64 = [Platform(os: "linux", architecture: "amd64")]
            #expect(try await GraphReader.graph(from: source, platforms: amd64).images.count == 1)
        }
    }

    @Test(arguments: ["nothing", "text", "empty", "other", "cut", "pipe"])
    func whatIsNoImageIsAnError(_ kind: String) async throws {
        try await Scratch.with { scratch in
            let make = [
                "nothing": "true", "text": "echo hello >x.tar", "empty": "tar -cf x.tar -T /dev/null",
                "other": "echo a >a; tar -cf x.tar a", "pipe": "mkfifo x.tar",
                "cut":
                    "mkdir blobs; head -c 1000000 /dev/zero >blobs/a; tar -cf y.tar blobs; head -c 500000 y.tar >x.tar",
            ]
            try await Program.output("sh", ["-c", make[kind] ?? "false"], in: scratch.path)
            let error = await #expect(throws: BuildError.self) {
                try await LayoutTests.open(scratch["x.tar"], in: scratch)
            }
            #expect(error?.description.contains(scratch["x.tar"]) == true)
            if kind == "nothing" { #expect(error?.code == .notFound) }
            if kind != "nothing" { #expect(error?.diagnostics.first?.hints.isEmpty == false) }
        }
    }
}
