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
        let known = ["auto", "plain", "tty", "quiet", "none", "rawjson"]
        if let progress, !known.contains(progress) {
            throw ValidationError("invalid value \"\(progress)\" of --progress: \(known.joined(separator: ", ")).")
        }
    }

    func renderer(isQuiet: Bool) -> any Renderer {
        let style = progress ?? BuilderEnvironment.current.variables["BUILDKIT_PROGRESS"] ?? "auto"
        if style == "rawjson" { return JSONRenderer(console: .standardError) }
        let isSilent = isQuiet || style == "quiet" || style == "none"
        return PlainRenderer(
            console: .standardError,
            showsProgress: !isSilent,
            showsDebug: debug,
            isLive: !isSilent && (style == "tty" || (style == "auto" && Console.standardError.isTerminal))
        )
    }
}
