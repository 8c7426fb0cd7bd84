import ArgumentParser
import ImgBuilder
import ImgReport

/// What is printed and which files tell other programs about the result.
struct OutputOptions: ParsableArguments {
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print nothing but the digest.")
    var quiet = false

    @Flag(
        name: [.customShort("D"), .customLong("debug")],
        help: "Say everything, requests included; secrets are masked."
    )
    var debug = false

    @Option(
        name: .customLong("progress"),
        help: "auto, plain, tty (shows what is under way on one line), quiet, none or rawjson."
    )
    var progress: String?

    @Option(name: .customLong("metadata-file"), help: "JSON file with digests and names, in buildx's keys and ours.")
    var metadataFile: String?

    @Option(
        name: .customLong("iidfile"),
        help: "File for the image ID: the config digest, or the index digest of several platforms."
    )
    var iidFile: String?

    func validate() throws {
        guard let progress, !Self.styles.contains(progress) else { return }
        throw ValidationError(
            "invalid value \"\(progress)\" of --progress: \(Self.styles.joined(separator: ", "))."
        )
    }

    private static let styles = ["auto", "plain", "tty", "quiet", "none", "rawjson"]

    /// `--progress`, else `BUILDKIT_PROGRESS`.
    private var style: String {
        let preset = BuilderEnvironment.current.variables["BUILDKIT_PROGRESS"].flatMap { $0.isEmpty ? nil : $0 }
        return progress ?? preset ?? "auto"
    }

    func renderer() throws -> any Renderer {
        guard Self.styles.contains(style) else {
            throw BuildError(
                .usage,
                "invalid value \"\(style)\" of BUILDKIT_PROGRESS: \(Self.styles.joined(separator: ", "))"
            )
        }
        if writesJSON { return JSONRenderer(console: .standardError, showsDebug: debug) }
        let isSilent = quiet || style == "quiet" || style == "none"
        return PlainRenderer(
            console: .standardError,
            showsProgress: !isSilent,
            showsDebug: debug,
            isLive: !isSilent && (style == "tty" || (style == "auto" && Console.standardError.isTerminal))
        )
    }

    /// Whether programs read what is printed; then errors are JSON as well.
    var writesJSON: Bool { style == "rawjson" }
}
