import ImgOCI
import ImgTestKit
import Testing

/// FROM and COPY for two platforms into a real registry, and the result run for real.
@Suite(.serialized) struct MainJobTests {
    @Test func twoPlatformsArePushedAndServeThePage() async throws {
        try await Lab.with(bases: ["nginx"]) { lab in
            let image = lab.reference("hello-nginx:latest")
            let digest = try await lab.build([
                "--platform", "linux/amd64,linux/arm64", "--build-arg", "REGISTRY=\(lab.registry.host)", "-t", image,
                "--push", "-q",
                Project.root + "/fixtures/hello-nginx",
            ])
            let raw = try await lab.skopeo(["inspect", "--raw", "--tls-verify=false", "docker://\(image)"])
            let index = try ImageIndex(parsing: Array(raw.utf8))
            #expect(index.manifests.compactMap { $0.platform?.description } == ["linux/amd64", "linux/arm64"])
            let served = try await Program.output("sha256sum", [], input: raw)
            #expect(digest == "sha256:" + served.prefix(64))
            // A foreign tool reads every manifest and blob and verifies their digests.
            try await Program.output(
                "skopeo",
                [
                    "copy", "--quiet", "--all", "--src-tls-verify=false", "docker://\(image)",
                    "oci:\(lab.scratch["copy"]):x",
                ]
            )
            for platform in ["linux/amd64", "linux/arm64/v8"] {
                #expect(try await Self.page(of: image, platform, lab).contains("imgbuild"), "\(platform)")
            }
        }
    }

    /// What nginx in a container of its own serves; the container leaves nothing behind.
    private static func page(of image: String, _ platform: String, _ lab: Lab) async throws -> String {
        let place = "run/\(platform)"
        lab.scratch.makeParents(of: place + "/")
        let port = try ServerSocket.freePort()
        let page = try await Server.with(
            Project.root + "/scripts/run-image",
            ["--env", "NGINX_PORT=\(port)", image, platform],
            port: port,
            environment: ["TMPDIR": lab.scratch[place]]
        ) {
            try await Program.output("curl", ["--silent", "--fail", "--noproxy", "*", "http://127.0.0.1:\(port)/"])
        }
        #expect(lab.scratch.names(in: place).isEmpty)
        return page
    }

    /// COPY through `/bin -> usr/bin` keeps the link, and the image still runs.
    @Test func usrMergeStaysIntact() async throws {
        try await Lab.with(bases: ["debian"]) { lab in
            try lab.scratch.write(
                "ctx/Dockerfile",
                "FROM \(lab.reference("base/debian:1"))\nCOPY --chmod=755 hello /bin/hello\nCMD [\"/usr/bin/hello\"]\n"
            )
            try lab.scratch.write("ctx/hello", "#!/bin/sh\necho it runs\n")
            let image = lab.reference("usrmerge:1")
            try await lab.build(["--platform", "linux/amd64", "-t", image, "--push", lab.scratch["ctx"]])
            let output = try await Program.output(Project.root + "/scripts/run-image", [image, "linux/amd64"])
            #expect(output.contains("it runs"))
            let link = try await Program.output(
                Project.root + "/scripts/run-image",
                [image, "linux/amd64", "--", "/bin/sh", "-c", "readlink /bin"]
            )
            #expect(link.contains("usr/bin"))
        }
    }

    /// A second push of an unchanged image uploads nothing and moves nothing.
    @Test func secondPushFindsEverything() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            try lab.scratch.write("ctx/Dockerfile", "FROM \(lab.reference("base/busybox:1"))\nCOPY f /f\n")
            try lab.scratch.write("ctx/f", "content")
            let arguments = [
                "--platform", "linux/amd64,linux/arm64", "-t", lab.reference("again:1"), "--push", "-q",
                lab.scratch["ctx"],
            ]
            let loud = arguments.filter { $0 != "-q" } + ["--debug"]
            let first = try await lab.imgbuild(loud)
            for word in ["uploading", "debug: POST "] { #expect(first.errors.contains(word), "\(first)") }
            let digest = try await lab.build(arguments)
            let second = try await lab.imgbuild(loud)
            #expect(second.status == 0, "\(second)")
            for word in ["uploading", "debug: POST ", "debug: PUT "] {
                #expect(!second.errors.contains(word), "\(second)")
            }
            #expect(second.errors.contains(digest), "\(second)")
        }
    }

    /// Without any server: base from a layout, result in a layout, the same digest as when pushed.
    @Test func layoutWithoutServer() async throws {
        try await Scratch.with { scratch in
            let arguments = [
                "--platform", "linux/amd64,linux/arm64", "--build-context",
                "registry.invalid/base/nginx:1=oci-layout://\(Project.bases)/nginx:1",
                "--build-arg", "REGISTRY=registry.invalid", "-t", "hello-nginx:1", "-q",
            ]
            let environment = ["IMGBUILD_CACHE_DIR": scratch["cache"]]
            let context = Project.root + "/fixtures/hello-nginx"
            let directory = try await Program.output(
                Project.imgbuild,
                arguments + ["--output", "type=oci,tar=false,dest=\(scratch["layout"])", context],
                environment: environment
            )
            let archive = try await Program.output(
                Project.imgbuild,
                arguments + ["--output", "type=oci,dest=\(scratch["layout.tar"])", context],
                environment: environment
            )
            #expect(directory == archive)
            let copied = try await Program.run(
                "skopeo",
                ["copy", "--all", "oci-archive:\(scratch["layout.tar"])", "oci:\(scratch["copy"]):x"]
            )
            #expect(copied.status == 0, "\(copied)")
            let raw = try await Program.output("skopeo", ["inspect", "--raw", "oci:\(scratch["copy"]):x"])
            let digest = try await Program.output("sha256sum", [], input: raw)
            #expect(directory.dropLast() == "sha256:" + digest.prefix(64))
        }
    }
}
