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

    @OptionGroup(title: "Input")
    var input: InputOptions

    @OptionGroup(title: "Result")
    var result: ResultOptions

    @OptionGroup(title: "Checks")
    var checks: CheckOptions

    @OptionGroup(title: "Registries and cache")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: OutputOptions

    @OptionGroup(title: "Accepted for compatibility; they concern RUN or a daemon")
    var accepted: AcceptedOptions

    func perform() async throws -> Int32 {
        let job = try prepare()
        if let call = job.call { return try await perform(call, job.request, job.builder) }
        let built = try await build(job)
        return try finish(built, job.renderer)
    }

    @inline(never)
    private func build(_ job: Job) async throws -> BuildResult {
        try await job.builder.build(job.request)
    }

    /// Everything that the arguments say.
    private struct Job {
        var request: BuildRequest
        var call: CallMethod?
        var builder: Builder
        var renderer: any Renderer
    }

    // Apart from `perform`: Swift 6.3.1 crashes when it optimises the two as one asynchronous function.
    @inline(never)
    private func prepare() throws -> Job {
        let environment = try machine.environment()
        let renderer = output.renderer(isQuiet: output.quiet)
        let request = try request(environment)
        for notice in accepted.notices { renderer.emit(.note(notice)) }
        let call = try checks.call
        if call == nil, request.outputs.isEmpty {
            renderer.emit(
                .warning(
                    Diagnostic(
                        .warning,
                        "no output given: the image is built and checked, and goes nowhere",
                        hints: ["add --push, or --output type=oci,dest=FILE.tar"]
                    )
                )
            )
        }
        let builder = Builder(environment: environment, events: renderer)
        return Job(request: request, call: call, builder: builder, renderer: renderer)
    }

    @inline(never)
    private func finish(_ built: BuildResult, _ renderer: any Renderer) throws -> Int32 {
        try output.write(built)
        renderer.finish(built)
        if output.quiet { Console.standardOutput.print([built.root.digest.description]) }
        return 0
    }

    @inline(never)
    private func perform(_ call: CallMethod, _ request: BuildRequest, _ builder: Builder) async throws -> Int32 {
        switch call.method {
        case .check:
            let report = try await builder.check(request)
            Console.standardOutput.print(CheckText(report, format: call.format).lines)
            return report.isClean ? 0 : 1
        case .outline, .targets:
            throw BuildError(.usage, "--call=\(call.method.rawValue) is not there yet", hints: ["--call=check is"])
        }
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
        var request = BuildRequest(context: ContextLocation(argument: context))
        try input.fill(&request, environment)
        try result.fill(&request, environment)
        try checks.fill(&request)
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
