import ImgTestKit
import Testing

/// `--cache-to` and `--cache-from`: machines that share nothing else, with checkouts of different age.
@Suite struct SharedCacheTests {
    /// Requests that send or fetch the bytes of layers: everything but looking, mounting, and the small configs.
    private static func transfers(_ result: ProgramResult, of path: String) -> [String] {
        result.errors.split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("debug: ") && $0.contains("/v2/\(path)/") && !$0.contains("mount=") }
            .filter { $0.hasPrefix("debug: POST ") || $0.hasPrefix("debug: GET ") && $0.contains("/blobs/") }
    }

    private static func prepare(_ lab: Lab) async throws {
        try lab.scratch.write("context/index.html", "<h1>Hello</h1>\n")
        try lab.scratch.write("context/tree/a/b.txt", "b\n")
        try lab.scratch.write(
            "context/Dockerfile",
            """
            FROM \(lab.reference("base/nginx:1"))
            COPY --from=\(lab.reference("base/busybox:1")) /bin/busybox /opt/
            COPY index.html /usr/share/nginx/html/
            COPY tree /srv/tree/
            """
        )
    }

    /// Gives every file of the context another time, as a new checkout does.
    private static func age(_ lab: Lab, _ date: String) async throws {
        try await Program.output("find", [lab.scratch["context"], "-exec", "touch", "-d", date, "{}", "+"])
    }

    private static func build(
        _ lab: Lab,
        machine: String,
        _ arguments: [String],
        epoch: String? = nil
    ) async throws -> ProgramResult {
        var environment = ["IMGBUILD_CACHE_DIR": lab.scratch[machine]]
        environment["SOURCE_DATE_EPOCH"] = epoch
        let all =
            ["--debug", "--quiet", "--platform", "linux/amd64,linux/arm64"] + arguments + [lab.scratch["context"]]
        let result = try await lab.imgbuild(all, environment: environment)
        guard result.status == 0 else { throw ProgramFailure(command: ["imgbuild"] + all, result: result) }
        return result
    }

    @Test(arguments: ["registry", "local"]) func aFreshMachineBuildsNothing(_ type: String) async throws {
        try await Lab.with(bases: ["nginx", "busybox"]) { lab in
            try await Self.prepare(lab)
            let place =
                type == "registry"
                ? (from: lab.reference("app:cache"), to: "type=registry,ref=\(lab.reference("app:cache")),mode=max")
                : (
                    from: "type=local,src=\(lab.scratch["shared"])",
                    to: "type=local,dest=\(lab.scratch["shared"])"
                )
            try await Self.age(lab, "2026-01-02")
            let first = try await Self.build(
                lab,
                machine: "first",
                ["-t", lab.reference("app:1"), "--push", "--cache-from", place.from, "--cache-to", place.to]
            )
            #expect(!Self.transfers(first, of: "base/busybox").filter { $0.contains("GET") }.isEmpty, "\(first)")
            try await Self.age(lab, "2026-03-04")
            let second = try await Self.build(
                lab,
                machine: "second",
                ["-t", lab.reference("app:2"), "--push", "--cache-from", place.from]
            )
            #expect(second.output == first.output)
            #expect(Self.transfers(second, of: "app").filter { $0.contains("POST") }.isEmpty, "\(second)")
            // Two configs; no layer.
            #expect(Self.transfers(second, of: "base/nginx").count == 2, "\(second)")
            #expect(Self.transfers(second, of: "base/busybox").count == 2, "\(second)")
            // What is written to disk comes from the cache as well, and is whole.
            let third = try await Self.build(
                lab,
                machine: "third",
                ["--output", "type=oci,dest=\(lab.scratch["out"]),tar=false", "--cache-from", place.from]
            )
            #expect(third.output == first.output)
            try await Program.output(
                "skopeo",
                ["copy", "--quiet", "--all", "oci:\(lab.scratch["out"])", "dir:\(lab.scratch["dir"])"]
            )
        }
    }

    @Test func fixedTimesAreExact() async throws {
        try await Lab.with(bases: ["nginx", "busybox"]) { lab in
            try await Self.prepare(lab)
            let cache = lab.reference("app:cache")
            try await Self.age(lab, "2026-01-02")
            _ = try await Self.build(
                lab,
                machine: "first",
                ["-t", lab.reference("app:1"), "--push", "--cache-to", "type=registry,ref=\(cache)"]
            )
            // A cache is no image that could start.
            let verdict = try await lab.imgbuild(["verify", cache])
            #expect(verdict.status == 1, "\(verdict)")
            #expect(verdict.errors.contains("holds no image that could start"), "\(verdict)")
            let arguments = ["-t", lab.reference("app:2"), "--push"]
            let with = try await Self.build(
                lab,
                machine: "second",
                arguments + ["--cache-from", cache],
                epoch: "1600000000"
            )
            let without = try await Self.build(lab, machine: "third", arguments, epoch: "1600000000")
            #expect(with.output == without.output)
        }
    }

    @Test func aDamagedCacheCostsNothingButTime() async throws {
        try await Lab.with(bases: ["nginx", "busybox"]) { lab in
            try await Self.prepare(lab)
            let local = lab.scratch["shared"]
            let first = try await Self.build(
                lab,
                machine: "first",
                ["-t", lab.reference("app:1"), "--push", "--cache-to", "type=local,dest=\(local)"]
            )
            // Every blob of some size: layers and path indexes, but not the document.
            try await Program.output("sh", ["-c", "find \(local)/blobs -type f -size +40k -delete"])
            let second = try await Self.build(
                lab,
                machine: "second",
                ["-t", lab.reference("app:2"), "--push", "--cache-from", "type=local,src=\(local)"]
            )
            #expect(second.output == first.output)
            let none = try await Self.build(
                lab,
                machine: "third",
                ["-t", lab.reference("app:3"), "--push", "--cache-from", lab.reference("app:1")]
            )
            #expect(none.output == first.output)
            #expect(none.errors.contains("building without the cache of"), "\(none)")
        }
    }

    @Test func anImageIsNotReplacedByACache() async throws {
        try await Lab.with(bases: ["nginx", "busybox"]) { lab in
            try await Self.prepare(lab)
            let arguments = [
                "--quiet", "--platform", "linux/amd64,linux/arm64", "-t", lab.reference("app:1"), "--push",
                "--cache-to",
                "type=registry,ref=\(lab.reference("app:1"))", lab.scratch["context"],
            ]
            let result = try await lab.imgbuild(arguments)
            #expect(result.status == 1, "\(result)")
            #expect(result.errors.contains("was left as it is"), "\(result)")
            #expect(result.errors.contains("the image itself is published"), "\(result)")
            let index = try await lab.skopeo([
                "inspect", "--raw", "--tls-verify=false", "docker://\(lab.reference("app:1"))",
            ])
            #expect(index.contains("arm64"))
        }
    }

    @Test func whatIsNotSupportedIsSaid() async throws {
        try await Scratch.with { scratch in
            for (argument, text) in [
                ("--cache-from=type=gha", "type=gha is not supported"),
                ("--cache-to=type=inline", "type=inline is not supported"),
                ("--cache-to=type=registry", "ref is missing"),
                ("--cache-to=type=local,dest=x,compression=zstd", "attribute compression"),
                ("--cache-from=type=registry,ref=UPPER", "invalid ref"),
            ] {
                let result = try await Program.run(Project.imgbuild, [argument, "."], in: scratch.path)
                #expect(result.status == 2, "\(result)")
                #expect(result.errors.contains(text), "\(result)")
            }
        }
    }
}
