import ImgOCI
import ImgTestKit
import Testing

/// Random builds against what is true of every build.
///
/// `IMGBUILD_RANDOM_SEED=N` repeats one of them, `IMGBUILD_RANDOM_COUNT=N` runs so many.
@Suite struct RandomBuildTests {
    private static func variable(_ name: String) -> Int? { Project.variable(name).flatMap { Int($0) } }

    private static var seeds: [Int] {
        if let seed = variable("IMGBUILD_RANDOM_SEED") { return [seed] }
        return Array(1...(variable("IMGBUILD_RANDOM_COUNT") ?? 200))
    }

    @Test func areDeterministicValidAndAsForetold() async throws {
        let seeds = Self.seeds
        // Three at a time: most of a build of this size is waiting for processes to begin and end.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (position, seed) in seeds.enumerated() {
                if position >= 3 { try await group.next() }
                group.addTask {
                    let build = RandomBuild(seed: seed)
                    let problems = try await Trial(build: build).problems()
                    if !problems.isEmpty {
                        Issue.record("\(problems.prefix(5).joined(separator: "\n"))\n\(build.description)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

/// One build, done in several ways.
private struct Trial {
    let build: RandomBuild

    func problems() async throws -> [String] {
        try await Scratch.with { scratch in
            var dice = Dice(seed: build.seed + 1_000_000)
            try scratch.write("Dockerfile", build.dockerfile)
            try build.context.write("context", in: scratch, &dice)
            try build.context.write("another name/of the context", in: scratch, &dice)

            let compression = dice.pick(["gzip", "gzip", "zstd", "uncompressed"])
            let output = "type=oci,compression=\(compression),dest="
            let first = try await run(["context", "-o", output + "first,tar=false"], in: scratch)
            guard first.status == 0 else { return ["the build failed: \(first.errors)"] }
            let again = try await run(["context", "-o", output + "again,tar=false"], in: scratch)
            let elsewhere = try await run(
                ["another name/of the context", "-o", output + "elsewhere.tar"],
                after: "umask 077; exec taskset -c 0 \"$@\"",
                cache: "cache2",
                variables: ["TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "LANG": "C"],
                in: scratch
            )
            var problems: [String] = []
            if again.output != first.output { problems.append("a warm cache makes another image: \(again)") }
            if elsewhere.output != first.output { problems.append("another place makes another image: \(elsewhere)") }
            guard problems.isEmpty else { return problems }
            let comparison = try await Program.run(
                "sh",
                [
                    "-c",
                    "mkdir elsewhere && tar -xf elsewhere.tar -C elsewhere && diff -r first again && diff -r first elsewhere",
                ],
                in: scratch.path
            )
            if comparison.status != 0 { problems.append("the layouts differ: \(comparison)") }
            let facts = try await LayoutFacts(of: scratch["first"], in: scratch)
            let layout = try LayoutImages(of: "first", in: scratch, facts: facts)
            problems += layout.problems
            if layout.images.map(\.architecture) != build.platforms {
                problems.append("platforms \(layout.images.map(\.architecture))")
            }
            return problems + layout.images.flatMap(compare)
        }
    }

    private func run(
        _ arguments: [String],
        after shell: String = "umask 022; exec \"$@\"",
        cache: String = "cache",
        variables: [String: String] = [:],
        in scratch: Scratch
    ) async throws -> ProgramResult {
        var environment = [
            "IMGBUILD_CACHE_DIR": scratch[cache], "DOCKER_CONFIG": scratch["docker"], "HOME": scratch.path,
        ]
        environment.merge(variables) { $1 }
        let base = "base=oci-layout://\(Project.bases)/busybox:1"
        return try await Program.run(
            "sh",
            ["-c", shell, "sh", Project.imgbuild, "-f", "Dockerfile", "-t", "random:1", "--build-context", base]
                + build.arguments + arguments,
            in: scratch.path,
            environment: environment
        )
    }

    /// What is not as the generator has foretold.
    private func compare(_ image: LayoutImages.Image) -> [String] {
        let result = build.result
        var problems: [String] = []
        guard image.layers.count >= result.layers.count else { return ["\(image.layers.count) layers only"] }
        for (position, (layer, expected)) in zip(image.layers.suffix(result.layers.count), result.layers).enumerated() {
            guard let expected = expected?.map({ text($0, image) }), expected != layer.listing else { continue }
            problems.append(
                """
                layer \(position) of \(image.architecture) holds
                \(layer.listing.joined(separator: "\n"))
                instead of
                \(expected.joined(separator: "\n"))
                """
            )
        }
        let labels = image.config["Labels"]
        for (key, value) in result.labels where labels?[key]?.stringValue != text(value, image) {
            problems.append("label \(key) is \(labels?[key]?.stringValue ?? "not there"), not \(value)")
        }
        let environment = image.config["Env"]?.stringArray ?? []
        for (key, value) in result.variables where !environment.contains("\(key)=\(value)") {
            problems.append("\(key)=\(value) is not in \(environment)")
        }
        for (key, value) in result.config where !isEqual(image.config[key], value) {
            problems.append("\(key) is \(image.config[key] ?? .null), not \(value)")
        }
        return problems
    }

    private func isEqual(_ left: JSON?, _ right: JSON) -> Bool {
        guard let keys = right.objectValue?.keys else { return left == right }
        return left?.objectValue?.keys.sorted() == keys.sorted()
    }

    private func text(_ text: String, _ image: LayoutImages.Image) -> String {
        text.replacing(RandomBuild.architecture, with: image.architecture)
    }
}
