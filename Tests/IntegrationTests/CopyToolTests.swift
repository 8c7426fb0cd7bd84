import ImgOCI
import ImgTestKit
import Testing

/// `copy` and `push` carry images from place to place without changing a byte.
@Suite struct CopyToolTests {
    @Test func everyWayKeepsTheDigest() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let source = lab.reference("base/busybox:1")
            let digest = try await lab.digest(of: source)
            // Within a registry blobs are mounted.
            let near = try await lab.imgbuild(["copy", source, lab.reference("near/busybox:2")])
            #expect(near.output == digest + "\n", "\(near)")
            #expect(near.errors.contains("mounted from base/busybox"), "\(near)")
            try await TestRegistry.with(in: lab.scratch) { other in
                let far = "\(other.host)/far/busybox:3"
                let layout = "oci-layout://\(lab.scratch["layout"]):4"
                let back = lab.reference("back/busybox:5")
                var digests: [String] = []
                for (from, to) in [(source, far), (far, "./layout:4"), (layout, back)] {
                    digests.append(try await lab.build(["copy", "-q", from, to]))
                }
                digests.append(try await lab.digest(of: far))
                digests.append(try await lab.digest(of: back))
                #expect(Set(digests) == [digest])
            }
        }
    }

    /// From a layout, too, the copy is called what the target says.
    @Test func aLayoutIsCopiedUnderItsNewTag() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let digest = try await lab.build(["copy", "-q", lab.reference("base/busybox:1"), "./one:1"])
            for target in ["oci-layout://two:foo", "oci-layout://\(lab.scratch["three.tar"]):foo"] {
                #expect(try await lab.build(["copy", "-q", "oci-layout://one", target]) == digest)
            }
            for image in ["oci:\(lab.scratch["two"]):foo", "oci-archive:\(lab.scratch["three.tar"]):foo"] {
                #expect(try await Lab.digest(ofText: try await lab.skopeo(["inspect", "--raw", image])) == digest)
            }
            let tag = lab.reference("tagged/busybox:v1.tar")
            #expect(try await lab.build(["copy", "-q", "oci-layout://one", tag]) == digest)
            #expect(try await lab.digest(of: tag) == digest)
        }
    }

    /// MT-2: what is chosen of Docker's types is listed by Docker's index.
    @Test func chosenPlatformsKeepTheirFamily() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let docker = lab.reference("docker/busybox:1")
            _ = try await lab.skopeo([
                "copy", "--quiet", "--all", "--format", "v2s2", "--src-tls-verify=false", "--dest-tls-verify=false",
                "docker://\(lab.reference("base/busybox:1"))", "docker://\(docker)",
            ])
            // A lone image has what is asked for as well.
            let one = lab.reference("docker/one:1")
            try await lab.build(["copy", "--platform", "linux/arm64", docker, one])
            try await lab.build(["copy", "--platform", "linux/arm64", one, lab.reference("docker/again:1")])
            let target = lab.reference("docker/two:1")
            try await lab.build(["copy", "--platform", "linux/amd64,linux/arm64", docker, target])
            let raw = try await lab.skopeo(["inspect", "--raw", "--tls-verify=false", "docker://\(target)"])
            let index = try ImageIndex(parsing: Array(raw.utf8))
            #expect(index.mediaType == .dockerManifestList)
            #expect(index.manifests.map(\.mediaType) == [.dockerManifest, .dockerManifest])
        }
    }

    @Test func archiveOfOnePlatformIsDockersToo() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let source = lab.reference("base/busybox:1")
            let (one, all) = (lab.scratch["one.tar"], lab.scratch["all.tar"])
            try await lab.build(["copy", "-q", "--platform", "linux/arm64", source, one])
            let docker = try await lab.skopeo(["inspect", "--config", "docker-archive:\(one)"])
            #expect(docker.contains("\"architecture\": \"arm64\""), "\(docker)")
            let layout = try await lab.skopeo(["inspect", "--config", "oci-archive:\(one)"])
            #expect(layout.contains("\"architecture\": \"arm64\""), "\(layout)")
            let digest = try await lab.build(["copy", "-q", source, all])
            #expect(try await lab.digest(of: source) == digest)
            let index = try ImageIndex(
                parsing: Array(try await lab.skopeo(["inspect", "--raw", "oci-archive:\(all)"]).utf8)
            )
            #expect(index.manifests.count > 1)
        }
    }

    @Test(arguments: ["registry", "layout", "tar"]) func absentPlatformIsAnError(_ target: String) async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let places = ["registry": lab.reference("x:1"), "layout": "./layout", "tar": "x.tar"]
            let result = try await lab.imgbuild([
                "copy", "--platform", "linux/amd64,linux/s390x", lab.reference("base/busybox:1"), places[target] ?? "",
            ])
            #expect(result.status == 4, "\(result)")
            #expect(result.errors.contains("linux/s390x"), "\(result)")
            #expect(result.errors.contains("available: linux/amd64, linux/arm64"), "\(result)")
            #expect(try await !lab.exists("x:1"))
            #expect(!lab.scratch.names().contains { $0 == "layout" || $0 == "x.tar" }, "nothing is left half done")
        }
    }

    @Test func pushTakesALayout() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let context = try lab.context(from: lab.reference("base/busybox:1"))
            let digest = try await lab.build([
                "-q", "--platform", "linux/amd64,linux/arm64", "-t", "app:7", "-o",
                "type=oci,dest=\(lab.scratch["layout"]),tar=false", context,
            ])
            let image = lab.reference("team/app:7")
            let push = try await lab.imgbuild(["push", "layout:7", image])
            #expect(push.status == 0, "\(push)")
            #expect(push.output == digest + "\n", "\(push)")
            #expect(try await lab.digest(of: image) == digest)
            let absent = try await lab.imgbuild(["push", "layout:8", image])
            #expect(absent.status == 4, "\(absent)")
            #expect(absent.errors.contains("7"), "the tags that are there are listed: \(absent)")
            let byDigest = try await lab.imgbuild(["push", "layout:7", "\(lab.reference("team/app"))@\(digest)"])
            #expect(byDigest.status == 2, "\(byDigest)")
        }
    }
}
