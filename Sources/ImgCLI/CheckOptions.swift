import ArgumentParser
import ImgBuilder
import ImgReport

/// What is checked, and evaluation without a build.
struct CheckOptions: ParsableArguments {
    @Flag(name: .customLong("check"), help: "Check the Dockerfile without building (--call=check).")
    var check = false

    @Option(name: .customLong("call"), help: "build, check, outline or targets; [,format=text|json|github].")
    var callText: String?

    @Option(name: .customLong("print"), help: .hidden)
    var print: String?

    @Option(
        name: .customLong("platform-check"),
        help: "What a copied file for another processor means: error, warn or off (default: error)."
    )
    var platformCheck: String?

    @Option(
        name: .customLong("start-check"),
        help: "What it means when the image is sure not to start: error, warn or off (default: warn)."
    )
    var startCheck: String?

    @Option(
        name: .customLong("platform-check-allow"),
        parsing: .unconditionalSingleValue,
        help: "Image path, as a glob, that the architecture check leaves alone."
    )
    var platformCheckAllow: [String] = []

    @Option(
        name: .customLong("secret-check"),
        help: "What a copied file with a secret means: error, warn or off (default: warn)."
    )
    var secretCheck: String?

    @Option(
        name: .customLong("secret-check-allow"),
        parsing: .unconditionalSingleValue,
        help: "Image path, as a glob, in which secrets are not looked for."
    )
    var secretCheckAllow: [String] = []

    @Option(name: .customLong("for"), parsing: .unconditionalSingleValue, help: ConsumerList.help)
    var consumers: [String] = []

    @Flag(name: .customLong("allow-platform-mismatch"), help: "Accept a base that is for another platform than asked.")
    var allowPlatformMismatch = false

    func fill(_ request: inout BuildRequest) throws {
        request.allowsPlatformMismatch = allowPlatformMismatch
        request.platformCheckExceptions = platformCheckAllow
        request.secretCheckExceptions = secretCheckAllow
        request.consumers = ConsumerList.parse(consumers)
        if let level = try Self.level(platformCheck, "--platform-check") { request.platformCheck = level }
        if let level = try Self.level(startCheck, "--start-check") { request.startCheck = level }
        if let level = try Self.level(secretCheck, "--secret-check") { request.secretCheck = level }
    }

    private static func level(_ text: String?, _ flag: String) throws -> CheckLevel? {
        guard let text else { return nil }
        guard let level = CheckLevel(rawValue: text) else {
            throw BuildError(.usage, "invalid value \"\(text)\" of \(flag): error, warn or off")
        }
        return level
    }

    /// Nil means that the image is built.
    var call: CallMethod? {
        get throws {
            if let callText, let print, callText != print {
                throw BuildError(
                    .usage,
                    "--call=\(callText) and --print=\(print) exclude each other: they are one flag"
                )
            }
            guard let text = callText ?? print else { return check ? CallMethod(method: .check, format: .text) : nil }
            let call = try CallMethod(parsing: text)
            guard !check || call?.method == .check else {
                throw BuildError(.usage, "--check and --call=\(text) exclude each other", hints: ["leave one out"])
            }
            return call
        }
    }
}

/// `--for NAME[,NAME…]`.
enum ConsumerList {
    static let help: ArgumentHelp =
        "Consumers that must be able to pull it, comma-separated: fargate, fargate-arm64, lambda, lambda-arm64, docker20, podman, quay, artifactory."

    static func parse(_ values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",").map(String.init) }
    }
}

/// `--call METHOD[,format=…]`.
struct CallMethod {
    enum Method: String {
        case check
        case outline
        case targets
    }

    enum Format: String {
        case text
        case json
        case github
    }

    var method: Method
    var format: Format

    init(method: Method, format: Format) {
        self.method = method
        self.format = format
    }

    /// Nil for `build`, which is what happens without the flag.
    init?(parsing text: String) throws {
        let fields = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        var name = fields[0]
        if name == "lint" { name = "check" }
        format = .text
        for field in fields.dropFirst() {
            let (key, value) = InputOptions.pair(field)
            guard key == "format", let value, let format = Format(rawValue: value) else {
                throw BuildError(
                    .usage,
                    "invalid option \"\(field)\" of --call: format=text, format=json or format=github"
                )
            }
            self.format = format
        }
        if name == "build" || name.isEmpty { return nil }
        guard let method = Method(rawValue: name) else {
            throw BuildError(.usage, "unknown method \"\(name)\" of --call: build, check, outline or targets")
        }
        guard format != .github || method == .check else {
            throw BuildError(.usage, "format=github is for --call=check only: format=text or format=json")
        }
        self.method = method
    }
}
