import ImgTestKit
import Testing

/// What a build may cost, in counts and bytes: seconds depend on the machine (`docs/performance.md`).
@Suite struct CostTests {
    /// The requests of a run that reached the registry, one line each.
    private static func requests(_ result: ProgramResult, _ lab: Lab) -> [String] {
        result.errors.split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("debug: ") && $0.contains("http://\(lab.registry.host)/v2/") }
    }

    private static func build(_ lab: Lab, _ tag: String, platforms: String) async throws -> [String] {
        let arguments = [
            "--debug", "--platform", platforms, "--build-arg", "REGISTRY=\(lab.registry.host)",
            "-t", lab.reference(tag), "--push", lab.scratch["context"],
        ]
        let result = try await lab.imgbuild(arguments)
        guard result.status == 0 else { throw ProgramFailure(command: ["imgbuild"] + arguments, result: result) }
        return requests(result, lab)
    }

    @Test func anUnchangedPushSendsNoBlob() async throws {
        try await Lab.with(bases: ["nginx"]) { lab in
            try lab.scratch.write("context/index.html", "<h1>Hello</h1>\n")
            try lab.scratch.write(
                "context/Dockerfile",
                "ARG REGISTRY\nFROM $REGISTRY/base/nginx:1\nCOPY index.html /usr/share/nginx/html/\n"
            )
            let first = try await Self.build(lab, "cost/page:1", platforms: "linux/amd64,linux/arm64")
            #expect(first.contains { $0.contains("/blobs/uploads/") }, "requests are not seen: \(first)")
            let again = try await Self.build(lab, "cost/page:1", platforms: "linux/amd64,linux/arm64")
            #expect(!again.contains { $0.contains("/blobs/uploads/") }, "\(again)")
            // The base: index, 2 manifests, 2 configs. The image: its 8 blobs, 2 manifests before and after the push, and
            // the tag before and after it.
            #expect(again.count <= 19, "\(again.count) requests: \(again)")
        }
    }

    @Test func aWarmBuildReadsNoBaseLayer() async throws {
        try await Lab.with(bases: ["nginx"]) { lab in
            try lab.scratch.write(
                "context/Dockerfile",
                "FROM scratch\nCOPY --from=\(lab.reference("base/nginx:1")) /etc/nginx /etc/nginx\n"
            )
            let layers =
                try await lab.skopeo([
                    "inspect", "--tls-verify=false", "--override-arch", "amd64",
                    "--format", "{{range .Layers}}{{println .}}{{end}}", "docker://\(lab.reference("base/nginx:1"))",
                ])
                .split(separator: "\n").map { "/base/nginx/blobs/\($0)" }
            func reads(_ requests: [String]) -> [String] {
                requests.filter { line in layers.contains { line.contains($0) } }
            }
            let first = try await Self.build(lab, "cost/from:1", platforms: "linux/amd64")
            #expect(!reads(first).isEmpty, "requests are not seen: \(first)")
            let again = try await Self.build(lab, "cost/from:1", platforms: "linux/amd64")
            #expect(reads(again).isEmpty, "\(again)")
        }
    }

    @Test func memoryDoesNotGrowWithALayer() async throws {
        try await Lab.with { lab in
            try lab.scratch.write("context/Dockerfile", "FROM scratch\nCOPY large /\n")
            // Bytes that do not compress.
            try await Program.output(
                "sh",
                [
                    "-c",
                    "openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 -in /dev/zero 2>/dev/null"
                        + " | head -c 268435456 >context/large",
                ],
                in: lab.scratch.path
            )
            let result = try await Program.run(
                "/usr/bin/time",
                [
                    "-f", "peak %M", Project.imgbuild, "--platform", "linux/amd64", "-t", lab.reference("cost/large:1"),
                    "--push", lab.scratch["context"],
                ],
                environment: ["IMGBUILD_CACHE_DIR": lab.scratch["cache"], "HOME": lab.scratch.path]
            )
            #expect(result.status == 0, "\(result)")
            let line = result.errors.split(separator: "\n").last { $0.hasPrefix("peak ") }
            let kibibytes = try #require(line.flatMap { Int($0.dropFirst(5)) }, "\(result)")
            #expect(kibibytes < 64 << 10, "\(kibibytes) KiB")
        }
    }
}
