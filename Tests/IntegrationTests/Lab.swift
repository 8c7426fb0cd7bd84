import ImgTestKit
import Testing

/// A registry with the base images in it and a scratch directory, for one test.
struct Lab: Sendable {
    let scratch: Scratch
    let registry: TestRegistry

    static func with<Value: Sendable>(
        bases: [String] = [],
        _ body: @Sendable @escaping (Lab) async throws -> Value
    ) async throws -> Value {
        try await Scratch.with { scratch in
            try await TestRegistry.with(in: scratch) { registry in
                let lab = Lab(scratch: scratch, registry: registry)
                for base in bases { try await lab.push(base: base) }
                return try await body(lab)
            }
        }
    }

    /// `host/path:tag` in the registry.
    func reference(_ name: String) -> String { "\(registry.host)/\(name)" }

    private func push(base: String) async throws {
        try await Program.output(
            "skopeo",
            [
                "copy", "--quiet", "--all", "--dest-tls-verify=false", "oci:\(Project.bases)/\(base):1",
                "docker://\(reference("base/\(base):1"))",
            ]
        )
    }

    /// Runs the program under test with a cache of its own.
    func imgbuild(
        _ arguments: [String],
        in directory: String? = nil,
        environment: [String: String] = [:],
        input: String = ""
    ) async throws -> ProgramResult {
        var variables = [
            "IMGBUILD_CACHE_DIR": scratch["cache"], "DOCKER_CONFIG": scratch["docker"], "HOME": scratch.path,
        ]
        variables.merge(environment) { $1 }
        return try await Program.run(
            Project.imgbuild,
            arguments,
            in: directory ?? scratch.path,
            environment: variables,
            input: input
        )
    }

    /// Runs the program under test, which must succeed, and returns its standard output without the last newline.
    @discardableResult
    func build(
        _ arguments: [String],
        in directory: String? = nil,
        environment: [String: String] = [:]
    ) async throws -> String {
        let result = try await imgbuild(arguments, in: directory, environment: environment)
        guard result.status == 0 else { throw ProgramFailure(command: ["imgbuild"] + arguments, result: result) }
        return String(result.output.dropLast())
    }

    func skopeo(_ arguments: [String]) async throws -> String {
        try await Program.output("skopeo", arguments)
    }

    /// Whether the registry has a tag.
    func exists(_ name: String) async throws -> Bool {
        try await Program.run("skopeo", ["inspect", "--raw", "--tls-verify=false", "docker://\(reference(name))"])
            .status == 0
    }
}
