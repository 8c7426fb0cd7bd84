import ImgTestKit
import Testing

/// What a build may cost, in counts and bytes: seconds depend on the machine (`docs/performance.md`).
@Suite struct CostTests {
    /// The requests of a run that reached the registry, one line each.
    private static func requests(_ result: ProgramResult, _ lab: Lab) -> [String] {
        result.errors.split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("debug: ") && $0.contains("http://\(lab.registry.host)/v2/") }
    }

    private static func build(
        _ lab: Lab,
        _ tag: String,
        platforms: String,
        cache: String = "cache",
        options: [String] = []
    ) async throws -> [String] {
        let arguments =
            [
                "--debug", "--platform", platforms, "--build-arg", "REGISTRY=\(lab.registry.host)", "--cache-dir",
                lab.scratch[cache], "-t", tag.contains("docker.io") ? tag : lab.reference(tag), "--push",
            ] + options + [lab.scratch["context"]]
        let result = try await lab.imgbuild(arguments)
        guard result.status == 0 else { throw ProgramFailure(command: ["imgbuild"] + arguments, result: result) }
        return requests(result, lab)
    }

    private static let two = "linux/amd64,linux/arm64"

    /// A context that puts one file onto a base.
    private static func writePage(_ lab: Lab, base: String = "base/nginx:1") throws {
        try lab.scratch.write("context/index.html", "<h1>Hello</h1>\n")
        try lab.scratch.write("context/Dockerfile", "ARG REGISTRY\nFROM $REGISTRY/\(base)\nCOPY index.html /srv/\n")
    }

    @Test func anUnchangedPushSendsNoBlob() async throws {
        try await Lab.with(bases: ["nginx"]) { lab in
            try Self.writePage(lab)
            let first = try await Self.build(lab, "cost/page:1", platforms: Self.two)
            #expect(first.contains { $0.contains("/blobs/uploads/") }, "requests are not seen: \(first)")
            let again = try await Self.build(lab, "cost/page:1", platforms: Self.two)
            #expect(!again.contains { $0.contains("/blobs/") || $0.contains("PUT") }, "\(again)")
            // The base's tag, the image's tag before and after the build, its two manifests.
            #expect(again.count <= 5, "\(again.count) requests: \(again)")

            // Another machine: the base's two manifests and configurations have to be read as well.
            let elsewhere = try await Self.build(lab, "cost/page:1", platforms: Self.two, cache: "cold")
            #expect(!elsewhere.contains { $0.contains("/uploads/") || $0.contains("PUT") }, "\(elsewhere)")
            // Two layers of the base are read for the directory that is copied into.
            let counted = elsewhere.filter { !$0.contains("/base/nginx/blobs/") }
            #expect(counted.count <= 7, "\(counted.count) requests: \(counted)")
        }
    }

    @Test func anUnchangedPushOfFourPlatformsAsksOncePerPlatform() async throws {
        try await Lab.with { lab in
            let four = "linux/amd64,linux/arm64,linux/riscv64,linux/s390x"
            try lab.scratch.write("context/motd", "base\n")
            try lab.scratch.write(
                "context/Dockerfile",
                "FROM scratch\nARG TARGETARCH\nLABEL a=$TARGETARCH\nCOPY motd /etc/\n"
            )
            _ = try await Self.build(lab, "base/four:1", platforms: four)
            try Self.writePage(lab, base: "base/four:1")
            _ = try await Self.build(lab, "cost/four:1", platforms: four)
            let again = try await Self.build(lab, "cost/four:1", platforms: four)
            #expect(!again.contains { $0.contains("/blobs/") || $0.contains("PUT") }, "\(again)")
            #expect(again.count <= 4 + 3, "\(again.count) requests: \(again)")
        }
    }

    /// A tag for the commit and one that moves, as CI pushes them: what the second holds is not asked for again.
    @Test func aNewTagBesideAKnownOneSendsNoBlob() async throws {
        try await Lab.with(bases: ["nginx"]) { lab in
            try Self.writePage(lab)
            let latest = ["-t", lab.reference("cost/page:latest")]
            _ = try await Self.build(lab, "cost/page:commit-1", platforms: Self.two, options: latest)
            let again = try await Self.build(lab, "cost/page:commit-2", platforms: Self.two, options: latest)
            #expect(!again.contains { $0.contains("/blobs/") }, "\(again)")
            // The base's tag, both tags before and after the build, the two manifests, the new tag.
            #expect(again.count <= 8, "\(again.count) requests: \(again)")
        }
    }

    /// A pull limit counts GETs of manifests, so that pushes must do without them (HUB-3).
    @Test func anUnchangedPushToDockerHubGetsNoManifest() async throws {
        try await Lab.with(bases: ["nginx"]) { lab in
            try Self.writePage(lab)
            try lab.scratch.write("hosts/docker.io/hosts.toml", "server = \"http://\(lab.registry.host)\"\n")
            let hub = ["--registry-config-dir", lab.scratch["hosts"]]
            func build() async throws -> [String] {
                try await Self.build(lab, "docker.io/cost/page:1", platforms: Self.two, options: hub)
            }
            _ = try await build()
            let again = try await build()
            #expect(again.contains { $0.contains("HEAD") }, "requests are not seen: \(again)")
            #expect(!again.contains { $0.contains("GET") || $0.contains("PUT") || $0.contains("/blobs/") }, "\(again)")
            #expect(again.count <= 5, "\(again.count) requests: \(again)")
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
            #expect(try await Self.peak(lab) < 64 << 10)
        }
    }

    /// The most that a context of files may take.
    @Test func memoryOfFiftyThousandFiles() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            try lab.scratch.write("context/Dockerfile", "FROM \(lab.reference("base/busybox:1"))\nCOPY app /app\n")
            let script = """
                import os
                for number in range(50000):
                    folder = "context/app/package-%03d/lib/module-%d" % (number // 250, number // 25 % 10)
                    os.makedirs(folder, exist_ok=True)
                    with open("%s/file-%05d.js" % (folder, number), "w") as file:
                        file.write("export const number = %d;\\n" % number * 100)
                """
            try await Program.output("python3", ["-c", script], in: lab.scratch.path)
            #expect(try await Self.peak(lab, platforms: "linux/amd64,linux/arm64") < 64 << 10)
        }
    }

    /// Peak memory of a push, in KiB.
    private static func peak(_ lab: Lab, platforms: String = "linux/amd64") async throws -> Int {
        let result = try await Program.run(
            "/usr/bin/time",
            [
                "-f", "peak %M", Project.imgbuild, "--platform", platforms, "-t", lab.reference("cost/large:1"),
                "--push",
                lab.scratch["context"],
            ],
            environment: ["IMGBUILD_CACHE_DIR": lab.scratch["cache"], "HOME": lab.scratch.path]
        )
        #expect(result.status == 0, "\(result)")
        let line = result.errors.split(separator: "\n").last { $0.hasPrefix("peak ") }
        return try #require(line.flatMap { Int($0.dropFirst(5)) }, "\(result)")
    }
}
