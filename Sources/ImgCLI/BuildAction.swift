import ImgBuilder
import ImgExport
import ImgOCI
import ImgReport

/// What a build command does once its arguments are read.
///
/// It holds none of the argument parser's types: an async method of the command itself crashes the optimizer of Swift 6.3.
struct BuildAction: Sendable {
    var request: BuildRequest
    var builder: Builder
    /// Nil means that the image is built.
    var call: CallMethod?
    var isDryRun = false
    var renderer: any Renderer
    var files: ResultFiles
    var printsDigest: Bool

    /// Returns the exit status.
    func run() async throws -> Int32 {
        if let call { return try await answer(call) }
        if isDryRun {
            Console.standardOutput.print(ForecastText(try await builder.forecast(request)).lines)
            return 0
        }
        try files.check()
        let built = try await builder.build(request)
        if request.outputs.isEmpty { renderer.emit(.warning(Self.goesNowhere)) }
        try files.write(built)
        renderer.finish(built)
        if printsDigest, !writesToStandardOutput { Console.standardOutput.print([built.root.digest.description]) }
        return 0
    }

    /// Nothing else may go there then.
    private var writesToStandardOutput: Bool {
        request.outputs.contains { output in
            switch output {
            case .layout(let path, _), .dockerArchive(let path): path == "-"
            default: false
            }
        }
    }

    private static let goesNowhere = Diagnostic(
        .warning,
        "no output given: the image was built and checked, and went nowhere",
        hints: ["add --push, or --output type=oci,dest=FILE.tar"]
    )

    private func answer(_ call: CallMethod) async throws -> Int32 {
        switch call.method {
        case .check:
            let report = try await builder.check(request)
            let text = CheckText(report, format: call.format)
            if call.format == .github {
                Console.standardOutput.printAsTheyAre(text.lines)
            } else {
                Console.standardOutput.print(text.lines)
            }
            return report.isClean ? 0 : 1
        case .outline:
            Console.standardOutput.print(OutlineText(try await builder.outline(request), format: call.format).lines)
            return 0
        case .targets:
            Console.standardOutput.print(TargetsText(try await builder.targets(request), format: call.format).lines)
            return 0
        }
    }
}

/// Files that tell other programs about the result of a build.
struct ResultFiles: Sendable {
    /// `--metadata-file`.
    var metadata: String?
    /// `--iidfile`.
    var imageID: String?

    /// A mistake in a path is to be known before tags have moved.
    func check() throws {
        for path in [metadata, imageID].compactMap(\.self) { try DraftFile.check(path) }
    }

    func write(_ result: BuildResult) throws {
        if let metadata { try DraftFile.replace(metadata, with: Metadata(result).json.encoded(indent: 2) + [0x0a]) }
        if let imageID {
            let single = result.images.count == 1 ? result.images.first : nil
            let isIndex = result.root.mediaType.isIndex
            let digest = isIndex ? result.root.digest : single?.config.digest ?? result.root.digest
            try DraftFile.replace(imageID, with: Array(digest.description.utf8))
        }
    }
}
