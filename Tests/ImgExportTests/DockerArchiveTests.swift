import ImgExport
import ImgOCI
import ImgReport
import ImgStream
import ImgTestKit
import Testing

/// The archives of `docker save` that are no layouts.
@Suite struct DockerArchiveTests {
    /// Entries of a tar in order: contents, or the targets of links.
    private struct Archive {
        var files: [(name: String, bytes: [UInt8])] = []
        var links: [(name: String, target: String)] = []

        func write(_ name: String, _ scratch: Scratch) throws {
            let sink = BytesSink()
            var writer = TarWriter(into: sink)
            for link in links {
                var header = TarHeader(path: Array(link.name.utf8), kind: .symlink)
                header.linkTarget = Array(link.target.utf8)
                try writer.append(header)
            }
            for file in files {
                var header = TarHeader(path: Array(file.name.utf8), kind: .file)
                header.size = Int64(file.bytes.count)
                try writer.append(header)
                try writer.write(file.bytes.span)
            }
            try writer.finish()
            try scratch.write(name, sink.bytes)
        }
    }

    private static func config(_ layers: [String], _ architecture: String = "amd64") -> String {
        let ids = layers.map { "\"\(SHA256.digest(of: Array($0.utf8)))\"" }.joined(separator: ",")
        return """
            {"architecture":"\(architecture)","os":"linux","docker_version":"20.10","rootfs":{"type":"layers","diff_ids":[\(ids)]}}
            """
    }

    /// As Docker 20 writes it: two images that share a layer, which is a link in the second.
    private static func twoImages() -> Archive {
        var archive = Archive()
        func add(_ name: String, _ text: String) { archive.files.append((name, Array(text.utf8))) }
        archive.links.append(("two/layer.tar", "../one/layer.tar"))
        add("aaaa.json", config(["base"]))
        add("bbbb.json", config(["base", "more"], "arm64"))
        add("one/VERSION", "1.0")
        add("one/layer.tar", "base")
        add("three/layer.tar", "more")
        add(
            "manifest.json",
            """
            [{"Config":"aaaa.json","RepoTags":["app:1","app:latest"],"Layers":["one/layer.tar"]},
             {"Config":"bbbb.json","RepoTags":["ghcr.io/o/b:1"],"Layers":["two/layer.tar","three/layer.tar"]}]
            """
        )
        add("repositories", "{}")
        return archive
    }

    @Test func layersAreKnownByTheirDiffIDs() async throws {
        try await Scratch.with { scratch in
            try Self.twoImages().write("x.tar", scratch)
            let source = try await LayoutTests.open(scratch["x.tar"], tag: "ghcr.io/o/b:1", in: scratch)
            #expect(source.layout.hasMadeManifests)
            let graph = try await GraphReader.graph(from: source)
            let image = try #require(graph.images.first)
            #expect(image.platform == Platform(os: "linux", architecture: "arm64"))
            let config = try ImageConfig(parsing: await source.blob(image.config.descriptor, limit: 10_000))
            #expect(image.layers.map(\.descriptor.digest) == config.diffIDs)
            #expect(image.layers.map(\.descriptor.mediaType) == [.ociLayerTar, .ociLayerTar])
            var contents: [[UInt8]] = []
            for layer in image.layers {
                contents.append(try await ArchiveSourceTests.content(of: layer.descriptor, source))
            }
            #expect(contents == [Array("base".utf8), Array("more".utf8)])
            #expect(scratch.names() == ["x.tar"])
        }
    }

    @Test(arguments: [
        ("latest", "amd64"), ("app:1", "amd64"), ("app", "amd64"), ("docker.io/library/app:1", "amd64"),
        ("ghcr.io/o/b:1", "arm64"),
    ])
    func imagesAreChosenByName(_ name: String, _ architecture: String) async throws {
        try await Scratch.with { scratch in
            try Self.twoImages().write("x.tar", scratch)
            let found = try await LayoutTests.open(scratch["x.tar"], tag: name, in: scratch).resolve()
            #expect(found.descriptor.platform?.architecture == architecture)
        }
    }

    @Test func whatNamesNoneOrSeveralIsAnError() async throws {
        try await Scratch.with { scratch in
            try Self.twoImages().write("x.tar", scratch)
            let digest = SHA256.digest(of: [])
            for (tag, digest) in [(nil, nil), ("1", nil), ("2", nil), (nil, digest)] as [(String?, Digest?)] {
                let source = try await LayoutTests.open(scratch["x.tar"], tag: tag, digest: digest, in: scratch)
                let error = await #expect(throws: BuildError.self) { try await source.resolve() }
                #expect(error?.code == .notFound)
                let names = ["docker.io/library/app:1", "docker.io/library/app:latest", "ghcr.io/o/b:1"]
                #expect(error?.diagnostics.first?.notes == names, "\(tag ?? "")")
            }
        }
    }

    @Test func otherContentIsNotGivenOut() async throws {
        try await Scratch.with { scratch in
            var archive = Self.twoImages()
            archive.files.removeAll { $0.name == "one/layer.tar" }
            archive.files.append(("one/layer.tar", Array("BASE".utf8)))
            try archive.write("x.tar", scratch)
            let source = try await LayoutTests.open(scratch["x.tar"], tag: "latest", in: scratch)
            let layer = try await GraphReader.graph(from: source).images[0].layers[0].descriptor
            await #expect(throws: BuildError.self) { try await ArchiveSourceTests.content(of: layer, source) }
        }
    }

    /// Other tools than Docker compress them.
    @Test(arguments: ["gzip", "zstd"]) func compressedLayersStayAsTheyAre(_ program: String) async throws {
        try await Scratch.with { scratch in
            try scratch.write("layer", "base")
            try await Program.output("sh", ["-c", "\(program) -c layer >packed"], in: scratch.path)
            let packed = try FileSource.open(scratch["packed"]).readAll(limit: 1000)
            var archive = Archive()
            let manifest = #"[{"Config":"c.json","RepoTags":null,"Layers":["l.tar.gz"]}]"#
            archive.files = [
                ("c.json", Array(Self.config(["base"]).utf8)), ("l.tar.gz", packed),
                ("manifest.json", Array(manifest.utf8)),
            ]
            try archive.write("x.tar", scratch)
            let source = try await LayoutTests.open(scratch["x.tar"], in: scratch)
            let layer = try #require(try await GraphReader.graph(from: source).images.first?.layers.first).descriptor
            #expect(layer.digest == SHA256.digest(of: packed))
            #expect(layer.mediaType.layerCompression?.rawValue == program)
            #expect(try await ArchiveSourceTests.content(of: layer, source) == packed)

            archive.files[0].bytes = Array(Self.config(["another"]).utf8)
            try archive.write("y.tar", scratch)
            await #expect(throws: BuildError.self) { try await LayoutTests.open(scratch["y.tar"], in: scratch) }
        }
    }

    /// Names lead nowhere but to entries of the archive.
    @Test(arguments: [
        (link: "/etc/hostname", layer: "l.tar"), ("../../../../../../etc/hostname", "l.tar"), ("l.tar", "l.tar"),
        ("missing", "l.tar"), ("real", "/etc/hostname"), ("real", "../x/real"), ("real", ""), ("real", "a/../../real"),
    ])
    func linksAndNamesStayInside(_ link: String, _ layer: String) async throws {
        try await Scratch.with { scratch in
            var archive = Archive()
            let manifest = "[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[\"\(layer)\"]}]"
            archive.links = [("l.tar", link)]
            archive.files = [
                ("c.json", Array(Self.config(["base"]).utf8)), ("real", Array("base".utf8)),
                ("../x/real", Array("base".utf8)), ("/etc/hostname", Array("base".utf8)),
                ("manifest.json", Array(manifest.utf8)),
            ]
            try archive.write("x.tar", scratch)
            let error = await #expect(throws: BuildError.self) {
                try await LayoutTests.open(scratch["x.tar"], in: scratch)
            }
            #expect(error?.description.contains("has no file \"\(layer)\"") == true)
        }
    }

    @Test(arguments: [
        "{", "{}", "[1]", #"[{"Config":"c.json","Layers":[]}]"#, #"[{"Config":"l.tar","Layers":["l.tar"]}]"#,
        #"[{"Config":"c.json","Layers":["l.tar","l.tar"]}]"#, #"[{"Layers":["l.tar"]}]"#,
    ])
    func documentsThatContradictAreErrors(_ manifest: String) async throws {
        try await Scratch.with { scratch in
            var archive = Archive()
            archive.files = [
                ("c.json", Array(Self.config(["base"]).utf8)), ("l.tar", Array("base".utf8)),
                ("manifest.json", Array(manifest.utf8)),
            ]
            try archive.write("x.tar", scratch)
            let error = await #expect(throws: BuildError.self) {
                try await LayoutTests.open(scratch["x.tar"], in: scratch).resolve()
            }
            #expect(error?.description.contains("x.tar") == true)
        }
    }
}
