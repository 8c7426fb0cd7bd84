import ArgumentParser
import ImgBuilder
import ImgOCI
import ImgReport

/// `imgbuild build`: what `docker buildx build` does, less RUN.
struct BuildCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build an image, and push or write it."
    )

    @Argument(help: "Directory, tar file, git URL, or - for standard input.")
    var context: String?

    @Flag(
        name: .customLong("dry-run"),
        help: "Say what would be made and sent, after all questions that a push asks; change nothing."
    )
    var isDryRun = false

    @OptionGroup(title: "Input")
    var input: InputOptions

    @OptionGroup(title: "Result")
    var result: ResultOptions

    @OptionGroup(title: "Checks")
    var checks: CheckOptions

    @OptionGroup(title: "Cache")
    var cache: CacheOptions

    @OptionGroup(title: "Registries")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: OutputOptions

    @OptionGroup(title: "Accepted for compatibility; they concern RUN or a daemon")
    var accepted: AcceptedOptions

    func validate() throws {
        guard isDryRun else { return }
        if output.metadataFile != nil || output.iidFile != nil {
            throw ValidationError("--dry-run makes nothing that --metadata-file and --iidfile could tell of.")
        }
        if try checks.call != nil { throw ValidationError("--dry-run cannot be used with --check and --call.") }
    }

    func perform() async throws -> Int32 {
        try await action().run()
    }

    func report(_ error: BuildError) {
        Console.standardError.print(output.writesJSON ? [JSONRenderer.line(error)] : ErrorText(error).lines)
    }

    /// The work of these arguments as values; nothing has begun.
    private func action() throws -> BuildAction {
        var environment = try machine.environment()
        let renderer = try output.renderer()
        let call = try checks.call
        let build = try build(environment)
        for notice in accepted.notices + build.notices { renderer.emit(.note(notice)) }
        environment.registry.insecureHosts += build.insecureHosts
        return BuildAction(
            request: build.request,
            builder: Builder(environment: environment, events: renderer),
            call: call,
            isDryRun: isDryRun,
            renderer: renderer,
            files: ResultFiles(metadata: output.metadataFile, imageID: output.iidFile),
            printsDigest: output.quiet
        )
    }

    /// What these arguments ask for, without a look at the machine.
    func build(_ environment: BuilderEnvironment) throws -> BuildIntent {
        guard let context, !context.isEmpty else {
            throw BuildError(
                .usage,
                "the build context is missing",
                hints: ["imgbuild [OPTIONS] PATH | TAR | GIT-URL | -; most often PATH is ."]
            )
        }
        if context.contains("://"), !ContextLocation.isGitURL(context) {
            let shown = ContextLocation.masked(context)
            throw BuildError(
                .usage,
                "\(shown): an archive at a URL is not supported as build context",
                hints: ["curl -L \(shown) | imgbuild [OPTIONS] -"]
            )
        }
        var build = BuildIntent(request: BuildRequest(context: ContextLocation(argument: context)))
        try input.fill(&build.request, environment)
        try result.fill(&build, environment)
        try checks.fill(&build.request)
        try cache.fill(&build)
        if let call = try checks.call { build.notices = noticesOfNoBuild(call) }
        return build
    }

    /// Flags that only a build has a use for, when nothing is built.
    private func noticesOfNoBuild(_ call: CallMethod) -> [String] {
        let given = [
            ("--push", result.push), ("--load", result.load), ("--output", !result.outputs.isEmpty),
            ("--create-repository", result.creation.createRepository), ("--verify", result.verify != nil),
            ("--metadata-file", output.metadataFile != nil), ("--iidfile", output.iidFile != nil),
            ("--for", !checks.consumers.isEmpty), ("--platform-check", checks.platformCheck != nil),
            ("--platform-check-allow", !checks.platformCheckAllow.isEmpty), ("--start-check", checks.startCheck != nil),
            ("--secret-check", checks.secretCheck != nil), ("--secret-check-allow", !checks.secretCheckAllow.isEmpty),
            ("--no-cache", cache.noCache), ("--cache-from", !cache.from.isEmpty), ("--cache-to", !cache.to.isEmpty),
        ]
        .filter(\.1).map(\.0)
        guard !given.isEmpty else { return [] }
        return ["no effect with --call=\(call.method.rawValue), which builds nothing: \(given.joined(separator: ", "))"]
    }
}

extension ContextLocation {
    /// A git URL looks like one; anything else that is not a directory must be an archive.
    init(argument text: String) {
        if text == "-" {
            self = .standardInput
        } else if ContextLocation.isGitURL(text) {
            self = .git(text)
        } else if [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"].contains(where: { text.hasSuffix($0) })
        {
            self = .archive(text)
        } else {
            self = .directory(text)
        }
    }
}
