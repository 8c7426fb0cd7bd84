import ImgTestKit
import Testing

/// A registry with the base images in it and a scratch directory, for one test.
struct Lab: Sendable {
    let scratch: Scratch
    let registry: TestRegistry
    /// `user:password` for what is put into the registry beforehand.
    var account: String?

    /// - Parameters:
    ///   - account: `user:password` that may push the bases.
    ///   - configuration: Further lines of the registry's configuration.
    static func with<Value: Sendable>(
        bases: [String] = [],
        account: String? = nil,
        configuration: @Sendable (Scratch) async throws -> String = { _ in "" },
        _ body: @Sendable @escaping (Lab) async throws -> Value
    ) async throws -> Value {
        try await Scratch.with { scratch in
            try await TestRegistry.with(in: scratch, extra: try await configuration(scratch)) { registry in
                let lab = Lab(scratch: scratch, registry: registry, account: account)
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
            ] + (account.map { ["--dest-creds", $0] } ?? [])
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

    /// The digest of what the registry serves for an image.
    func digest(of image: String) async throws -> String {
        try await Self.digest(
            ofText: try await skopeo(["inspect", "--raw", "--tls-verify=false", "docker://\(image)"])
        )
    }

    /// The digest of a document.
    static func digest(ofText text: String) async throws -> String {
        "sha256:" + String(try await Program.output("sha256sum", [], input: text).prefix(64))
    }

    /// A context whose Dockerfile adds one file to a base, `scratch` unless another is given.
    func context(from base: String = "scratch", file: String = "hello\n") throws -> String {
        try scratch.write("context/Dockerfile", "FROM \(base)\nCOPY hello /hello\n")
        try scratch.write("context/hello", file)
        return scratch["context"]
    }

    /// Whether the registry has a tag.
    func exists(_ name: String) async throws -> Bool {
        try await Program.run("skopeo", ["inspect", "--raw", "--tls-verify=false", "docker://\(reference(name))"])
            .status == 0
    }
}
