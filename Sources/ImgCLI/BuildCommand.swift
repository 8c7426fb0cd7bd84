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

    /// The work of these arguments as values; nothing has begun.
    private func action() throws -> BuildAction {
        let environment = try machine.environment()
        let renderer = output.renderer(isQuiet: output.quiet)
        for notice in accepted.notices { renderer.emit(.note(notice)) }
        return BuildAction(
            request: try request(environment),
            builder: Builder(environment: environment, events: renderer),
            call: try checks.call,
            isDryRun: isDryRun,
            renderer: renderer,
            files: ResultFiles(metadata: output.metadataFile, imageID: output.iidFile),
            printsDigest: output.quiet
        )
    }

    /// The request of these arguments.
    func request(_ environment: BuilderEnvironment) throws -> BuildRequest {
        guard let context else {
            throw BuildError(
                .usage,
                "the build context is missing",
                hints: ["imgbuild [OPTIONS] PATH | TAR | GIT-URL | -; most often PATH is ."]
            )
        }
        if context.contains("://"), !ContextLocation.isGitURL(context) {
            throw BuildError(
                .usage,
                "\(context): an archive at a URL is not supported as build context",
                hints: ["curl -L \(context) | imgbuild [OPTIONS] -"]
            )
        }
        var request = BuildRequest(context: ContextLocation(argument: context))
        try input.fill(&request, environment)
        try result.fill(&request, environment)
        try checks.fill(&request)
        try cache.fill(&request)
        return request
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
