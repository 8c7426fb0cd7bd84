import ImgOCI
import ImgTestKit

/// Builds an image into a layout, has it judged by `imgbuild verify` and starts it.
struct StartLab: Sendable {
    let scratch: Scratch

    static func with<Value: Sendable>(
        _ body: @Sendable @escaping (StartLab) async throws -> Value
    ) async throws -> Value {
        try await Scratch.with { scratch in
            try scratch.write("context/Dockerfile", "")
            return try await body(StartLab(scratch: scratch))
        }
    }

    /// Runs a shell script in the context, as a user's own build would.
    func prepare(_ script: String) async throws {
        try await Program.output("sh", ["-ec", script], in: scratch["context"])
    }

    /// Runs the program under test on the context; `busybox`, `debian` and `nginx` are the test's bases.
    func imgbuild(
        _ dockerfile: String,
        platforms: String,
        _ arguments: [String] = []
    ) async throws -> ProgramResult {
        try scratch.write("context/Dockerfile", dockerfile)
        let bases = ["busybox", "debian", "nginx"]
            .flatMap { ["--build-context", "\($0)=oci-layout://\(Project.bases)/\($0):1"] }
        return try await Program.run(
            Project.imgbuild,
            ["build"] + bases + ["--platform", platforms, "-t", "image:1"]
                + ["--output", "type=oci,tar=false,dest=\(scratch["layout"])"] + arguments + [scratch["context"]],
            environment: environment
        )
    }

    /// As `severity rule`, for each platform; several libraries that are missing are one.
    func verdicts(_ arguments: [String] = []) async throws -> (status: Int32, findings: [String: Set<String>]) {
        let result = try await Program.run(
            Project.imgbuild,
            ["verify", "--json"] + arguments + ["oci-layout://\(scratch["layout"]):1"],
            environment: environment
        )
        var findings: [String: Set<String>] = [:]
        for platform in try JSON.parse(Array(result.output.utf8))["platforms"]?.arrayValue ?? [] {
            let rules = (platform["findings"]?.arrayValue ?? [])
                .map { "\($0["severity"]?.stringValue ?? "") \($0["rule"]?.stringValue ?? "")" }
            findings[platform["platform"]?.stringValue ?? ""] = Set(rules)
        }
        return (result.status, findings)
    }

    /// Starts the image for real.
    func start(_ platform: String) async throws -> ProgramResult {
        try await Program.run(
            "timeout",
            ["60", Project.root + "/scripts/run-image", "\(scratch["layout"]):1", platform]
        )
    }

    private var environment: [String: String] { ["IMGBUILD_CACHE_DIR": scratch["cache"], "HOME": scratch.path] }
}
