import ImgTestKit
import Testing

/// The program before a registry that fails in one way or another: the right result or a clear error, in bounded time,
/// nothing half-published, no secret in any output or at another host.
@Suite struct HostileRegistryTests {
    /// One fault and what has to come of it.
    struct Case: Sendable {
        enum Outcome: Sendable {
            case success
            /// The exit status and words that the error has (OUT-3).
            case failure(Int32, String)
        }

        let name: String
        let outcome: Outcome
        var asking = HostileRegistry.Asking.basic
        /// Whether the image has a base in the same registry.
        var hasBase = false
        let fault: HostileRegistry.Fault

        init(
            _ name: String,
            _ outcome: Outcome,
            asking: HostileRegistry.Asking = .basic,
            hasBase: Bool = false,
            _ fault: @escaping HostileRegistry.Fault
        ) {
            self.name = name
            self.outcome = outcome
            self.asking = asking
            self.hasBase = hasBase
            self.fault = fault
        }
    }

    /// Of one push on a busy machine; back-off between five attempts takes 8 to 15 of them.
    private static let limit = Duration.seconds(60)

    /// Most of the time is spent in back-off: the cases run side by side.
    @Test func faults() async throws {
        let cases = Self.uploadFaults + Self.manifestFaults + Self.placeFaults + Self.downloadFaults
        try await Lab.with(bases: ["busybox"]) { lab in
            try await Program.output("sh", ["-c", "head -c 1100000 /dev/urandom >large"], in: lab.scratch.path)
            let manifest = try await lab.skopeo([
                "inspect", "--raw", "--tls-verify=false", "docker://\(lab.reference("base/busybox:1"))",
            ])
            let child = try #require(manifest.split(separator: "\"").first { $0.hasPrefix("sha256:") })
            let old = OldImage(
                manifest: try await lab.skopeo([
                    "inspect", "--raw", "--tls-verify=false", "docker://\(lab.reference("base/busybox@\(child)"))",
                ])
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, item) in cases.enumerated() {
                    if number >= 12 { try await group.next() }
                    group.addTask { try await Self.run(item, number, old, lab) }
                }
                try await group.waitForAll()
            }
        }
    }

    private static func run(_ item: Case, _ number: Int, _ old: OldImage, _ lab: Lab) async throws {
        let registry = try HostileRegistry(before: lab.registry, asking: item.asking, item.fault)
        defer { registry.stop() }
        let host = registry.server.authority
        let directory = "case\(number)"
        let from = item.hasBase ? "\(host)/base/busybox:1" : "scratch"
        try lab.scratch.write(
            "\(directory)/context/Dockerfile",
            "FROM \(from)\nARG TARGETARCH\nLABEL a=$TARGETARCH\nCOPY large /etc/\n"
        )
        try lab.scratch.write(
            "\(directory)/docker/config.json",
            "{\"auths\":{\"\(host)\":{\"auth\":\"\(HostileRegistry.basic)\"}}}"
        )
        try await Program.output(
            "ln",
            [lab.scratch["large"], lab.scratch["\(directory)/context/large"]]
        )
        try await old.push(lab, "hostile/app\(number)")
        let start = ContinuousClock.now
        let result = try await lab.imgbuild(
            [
                "--debug", "--platform", "linux/amd64,linux/arm64", "-t", "\(host)/hostile/app\(number):1", "--push",
                "context",
            ],
            in: lab.scratch[directory],
            environment: [
                "IMGBUILD_CACHE_DIR": lab.scratch["\(directory)/cache"],
                "DOCKER_CONFIG": lab.scratch["\(directory)/docker"],
            ]
        )
        let time = ContinuousClock.now - start
        let story = "\(item.name), \(time): \(result)"
        #expect(time < limit, "\(story)")
        expectNoSecret(result, registry, story)
        let now = try await raw(lab, "hostile/app\(number)")
        switch item.outcome {
        case .success:
            #expect(result.status == 0, "\(story)")
            #expect(now != old.manifest, "\(story)")
            let copy = try await Program.run(
                "skopeo",
                [
                    "copy", "--quiet", "--all", "--src-tls-verify=false",
                    "docker://\(lab.reference("hostile/app\(number):1"))", "dir:\(lab.scratch["\(directory)/out"])",
                ]
            )
            #expect(copy.status == 0, "\(story)\n\(copy)")
        case .failure(let status, let words):
            #expect(result.status == status, "\(story)")
            let message = result.errors.split(separator: "\n")
                .drop { !$0.hasPrefix("error: ") && !$0.contains("error: ") }
                .joined(separator: "\n")
            #expect(message.contains(words), "\(story)")
            #expect(now == old.manifest, "\(story)")
        }
    }

    /// The image that every tag points to before: a manifest with blobs of the base.
    private struct OldImage: Sendable {
        let manifest: String

        /// Gives it a name, with as little work as can be.
        func push(_ lab: Lab, _ name: String) async throws {
            let base = "http://\(lab.registry.host)/v2/\(name)"
            let blobs = manifest.split(separator: "\"").filter { $0.hasPrefix("sha256:") }
            var script = "set -e\n"
            for blob in blobs {
                script += "curl -sf -o /dev/null -X POST '\(base)/blobs/uploads/?mount=\(blob)&from=base/busybox'\n"
            }
            script += "curl -sf -H 'Content-Type: \(HostileRegistryTests.imageType)' -T - '\(base)/manifests/1'\n"
            try await Program.output("sh", ["-c", script], input: manifest)
        }
    }

    private static let imageType = "application/vnd.oci.image.manifest.v1+json"

    /// What a tag points to.
    private static func raw(_ lab: Lab, _ name: String) async throws -> String {
        let types = "application/vnd.oci.image.index.v1+json, \(imageType)"
        return try await Program.output(
            "curl",
            ["-sf", "-H", "Accept: \(types)", "http://\(lab.registry.host)/v2/\(name)/manifests/1"]
        )
    }

    /// Neither the output nor a request to another host may show who signed in, nor what a server wrote raw.
    private static func expectNoSecret(_ result: ProgramResult, _ registry: HostileRegistry, _ story: String) {
        let output = result.output + result.errors
        for secret in [HostileRegistry.password, HostileRegistry.basic, "of-the-realm", "\u{1b}"] {
            #expect(!output.contains(secret), "\(secret) is in the output: \(story)")
        }
        for request in registry.world.elsewhere.requests {
            #expect(request["Authorization"] == nil, "\(request) got credentials: \(story)")
        }
        for request in registry.server.requests {
            #expect(!request.target.contains(HostileRegistry.password), "\(story)")
        }
    }
}
