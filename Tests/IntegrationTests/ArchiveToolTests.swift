import ImgOCI
import ImgTestKit
import Testing

/// Images in archives, ours and others': they are read as layouts are.
@Suite struct ArchiveToolTests {
    private static let tls = "--src-tls-verify=false"

    /// The diff IDs that the layers of an image in the registry have, and those that its configuration names.
    private static func diffIDs(_ lab: Lab, _ name: String) async throws -> (found: [String], named: [String]) {
        let copy = "copy/\(name)"
        let image = "docker://\(lab.reference(name))"
        // Skopeo compares digests itself.
        try await Program.output("mkdir", ["-p", lab.scratch[copy]])
        _ = try await lab.skopeo(["copy", "--quiet", tls, image, "dir:\(lab.scratch[copy])"])
        let manifest = try ImageManifest(parsing: Array(try lab.scratch.read("\(copy)/manifest.json").utf8))
        var found: [String] = []
        for layer in manifest.layers {
            #expect(layer.mediaType == .ociLayerGzip)
            let script = "gzip -dc \(layer.digest.hex) | sha256sum"
            let sum = try await Program.output("sh", ["-c", script], in: lab.scratch[copy])
            found.append("sha256:\(sum.prefix(64))")
        }
        let config = try ImageConfig(parsing: Array(try lab.scratch.read("\(copy)/\(manifest.config.digest.hex)").utf8))
        return (found, config.diffIDs.map(\.description))
    }

    @Test(arguments: ["skopeo", "copy", "build"]) func layoutsInATarKeepTheirDigests(_ maker: String) async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let source = lab.reference("base/busybox:1")
            switch maker {
            case "skopeo":
                _ = try await lab.skopeo([
                    "copy", "--quiet", "--all", Self.tls, "docker://\(source)", "oci-archive:\(lab.scratch["x.tar"]):7",
                ])
            case "copy": try await lab.build(["copy", "-q", source, "oci-layout://x.tar:7"])
            default:
                try await lab.build([
                    "--platform", "linux/amd64,linux/arm64", "-t", "app:7", "-o", "type=oci,dest=x.tar",
                    try lab.context(from: source),
                ])
            }
            let raw = try await lab.skopeo(["inspect", "--raw", "oci-archive:\(lab.scratch["x.tar"])"])
            let digest = try await Lab.digest(ofText: raw)
            try await Program.output("gzip", ["-k", "x.tar"], in: lab.scratch.path)
            let image = lab.reference("team/app:1")
            for archive in ["x.tar", "x.tar:7", "x.tar.gz:7"] {
                let push = try await lab.imgbuild(["push", archive, image])
                #expect(push.output == digest + "\n", "\(push)")
                #expect(try await lab.digest(of: image) == digest)
            }
            #expect(try await lab.build(["copy", "-q", "x.tar", "./layout:2"]) == digest)
            let shown = try await lab.build(["inspect", "x.tar"])
            #expect(shown.contains(digest) && shown.contains("linux/arm64"), "\(shown)")
            let absent = try await lab.imgbuild(["push", "x.tar:8", image])
            #expect(absent.status == 4, "\(absent)")
            #expect(absent.errors.contains("7"), "the names that are there are listed: \(absent)")
            try await lab.build(["push", "-q", "--platform", "linux/arm64", "x.tar", lab.reference("team/one:1")])
        }
    }

    /// What Docker and Skopeo write without manifests becomes one image, whoever wrote it and however it is packed.
    @Test func dockersArchivesBecomeGzip() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let context = try lab.context(from: lab.reference("base/busybox:1"))
            try await lab.build(["--platform", "linux/amd64", "-t", "app:1", "-o", "type=docker,dest=own.tar", context])
            let saved = try await Program.run(
                "\(Project.root)/scripts/with-docker",
                ["sh", "-c", "docker load -i own.tar && docker tag app:1 b:2 && docker save -o saved.tar app:1 b:2"],
                in: lab.scratch.path
            )
            #expect(saved.status == 0, "\(saved)")
            let archive = "docker-archive:\(lab.scratch["skopeo.tar"]):app:1"
            _ = try await lab.skopeo(["copy", "--quiet", "oci-archive:\(lab.scratch["own.tar"])", archive])
            try await Program.output("gzip", ["-k", "skopeo.tar"], in: lab.scratch.path)
            var digests: Set<String> = []
            for source in ["saved.tar:b:2", "skopeo.tar", "skopeo.tar.gz:app:1"] {
                digests.insert(try await lab.build(["push", "-q", source, lab.reference("team/app:1")]))
                let (found, named) = try await Self.diffIDs(lab, "team/app:1")
                #expect(found == named && found.count == 2)
            }
            #expect(digests.count == 1)
            #expect(try await lab.build(["inspect", "skopeo.tar"]).contains(digests.first ?? ""))
            let joined = ["index", "create", "-q", "-t", lab.reference("team/all:1"), "saved.tar"]
            try await lab.build(joined)
            #expect(try await lab.build(["inspect", lab.reference("team/all:1")]).contains(digests.first ?? ""))
            // Ours is a layout as well, which has a digest of its own.
            let own = try await lab.build(["push", "-q", "own.tar", lab.reference("team/own:1")])
            #expect(try await lab.digest(of: lab.reference("team/own:1")) == own)
        }
    }

    /// Docker's present archives: an index, and layers under their diff IDs.
    @Test func presentArchivesKeepTheirDigests() async throws {
        try await Lab.with { lab in
            let make = """
                import gzip, hashlib, io, json, tarfile
                blobs = {}
                def add(data):
                    digest = hashlib.sha256(data).hexdigest()
                    blobs['blobs/sha256/' + digest] = data
                    return {'digest': 'sha256:' + digest, 'size': len(data)}
                layer = io.BytesIO()
                with tarfile.open(fileobj=layer, mode='w') as t:
                    t.addfile(tarfile.TarInfo('hello'))
                layer = add(layer.getvalue())
                config = {'architecture': 'amd64', 'os': 'linux', 'rootfs': {'type': 'layers', 'diff_ids': [layer['digest']]}}
                config = add(json.dumps(config).encode())
                kind = 'application/vnd.oci.image.'
                manifest = {'schemaVersion': 2, 'mediaType': kind + 'manifest.v1+json',
                    'config': {'mediaType': kind + 'config.v1+json', **config},
                    'layers': [{'mediaType': kind + 'layer.v1.tar', **layer}]}
                manifest = add(json.dumps(manifest, indent=1).encode())
                names = {'io.containerd.image.name': 'docker.io/library/app:1', 'org.opencontainers.image.ref.name': '1'}
                entry = {'mediaType': kind + 'manifest.v1+json', **manifest, 'annotations': names}
                place = lambda part: 'blobs/sha256/' + part['digest'][7:]
                blobs['index.json'] = json.dumps({'schemaVersion': 2, 'manifests': [entry]}).encode()
                blobs['manifest.json'] = json.dumps(
                    [{'Config': place(config), 'RepoTags': ['app:1'], 'Layers': [place(layer)]}]).encode()
                blobs['oci-layout'] = b'{"imageLayoutVersion": "1.0.0"}'
                with tarfile.open('x.tar', 'w') as t:
                    for name, data in blobs.items():
                        info = tarfile.TarInfo(name)
                        info.size = len(data)
                        t.addfile(info, io.BytesIO(data))
                print(manifest['digest'])
                """
            let digest = try await Program.output("python3", ["-c", make], in: lab.scratch.path)
            let image = lab.reference("team/app:1")
            #expect(try await lab.build(["push", "-q", "x.tar:app:1", image]) + "\n" == digest)
            #expect(try await lab.digest(of: image) + "\n" == digest)
        }
    }

    @Test(arguments: ["oci-archive:x.tar:7", "docker-archive:x.tar:app:7"])
    func namedContextsMayBeArchives(_ target: String) async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let base = "docker://\(lab.reference("base/busybox:1"))"
            try await Program.output("skopeo", ["copy", "--quiet", Self.tls, base, target], in: lab.scratch.path)
            let context = try lab.context(from: "base")
            let image = lab.reference("team/app:1")
            try await lab.build([
                "--platform", "linux/amd64", "--build-context", "base=oci-layout://x.tar:7", "-t", image, "--push",
                context,
            ])
            let (found, named) = try await Self.diffIDs(lab, "team/app:1")
            #expect(found == named && found.count == 2)
        }
    }

    @Test func whatIsNoArchiveIsExplained() async throws {
        try await Lab.with { lab in
            try lab.scratch.write("x.tar", "hello")
            let push = try await lab.imgbuild(["push", "x.tar", lab.reference("a:1")])
            #expect(push.status == 1, "\(push)")
            #expect(push.errors.contains("cannot read the archive \(lab.scratch["x.tar"])"), "\(push)")
            #expect(push.errors.contains("docker save"), "\(push)")
            let absent = try await lab.imgbuild(["push", "y.tar", lab.reference("a:1")])
            #expect(absent.status == 4, "\(absent)")
        }
    }
}
