import ArgumentParser
import ImgBuilder
import ImgOCI
import ImgReport

/// What is built and from what.
struct InputOptions: ParsableArguments {
    @Option(
        name: [.customShort("f", allowingJoined: true), .customLong("file")],
        parsing: .unconditional,
        help: "Dockerfile; - for standard input (default: PATH/Dockerfile)."
    )
    var file: String?

    @Option(
        name: .customLong("platform"),
        parsing: .unconditionalSingleValue,
        help: "Platforms of the result, comma-separated (default: this machine's)."
    )
    var platforms: [String] = []

    @Option(
        name: .customLong("build-arg"),
        parsing: .unconditionalSingleValue,
        help: "NAME=VALUE, or NAME to take it from the environment."
    )
    var buildArguments: [String] = []

    @Option(
        name: .customLong("build-context"),
        parsing: .unconditionalSingleValue,
        help: "NAME=VALUE; a directory, a file, docker-image://REF, oci-layout://PATH or a git URL."
    )
    var buildContexts: [String] = []

    @Option(name: .customLong("target"), parsing: .unconditional, help: "Stage to build (default: the last).")
    var target: String?

    @Option(
        name: .customLong("label"),
        parsing: .unconditionalSingleValue,
        help: "KEY=VALUE written into the image's configuration."
    )
    var labels: [String] = []

    @Option(
        name: .customLong("annotation"),
        parsing: .unconditionalSingleValue,
        help: "[manifest|index|manifest-descriptor|index-descriptor[PLATFORM],…:]KEY=VALUE."
    )
    var annotations: [String] = []

    @Option(
        name: .customLong("timestamp"),
        help: "Seconds since 1970, or git for the commit's time; sets created and clamps file times."
    )
    var timestamp: String?

    @Flag(name: .customLong("pull"), help: "Ask the registry for bases again; imgbuild always does.")
    var pull = false

    func fill(_ request: inout BuildRequest, _ environment: BuilderEnvironment) throws {
        // Empty values are those of variables that are not set: as if the flag weren't there.
        if let file, !file.isEmpty { request.dockerfile = file == "-" ? .standardInput : .file(file) }
        request.platforms = try parsedPlatforms(environment)
        if let target, !target.isEmpty { request.target = target }
        request.buildArguments = buildArguments.map { text in
            let (name, value) = Self.pair(text)
            return BuildArgument(name: name, value: value)
        }
        request.labels = labels.map { text in
            let (key, value) = Self.pair(text)
            return ImageLabel(key: key, value: value ?? "")
        }
        request.namedContexts = try buildContexts.map { text in
            let (name, value) = Self.pair(text)
            guard let value else {
                throw BuildError(.usage, "invalid value \"\(text)\" of --build-context: it must be NAME=VALUE")
            }
            return BuildContext(name: name, value: value)
        }
        request.annotations = try annotations.flatMap { try AnnotationRequest.parse($0) }
        switch timestamp {
        case nil: break
        case "git"?: request.timestamp = .git
        case let text?:
            guard let seconds = Int64(text) else {
                throw BuildError(.usage, "invalid value \"\(text)\" of --timestamp: seconds since 1970 or git")
            }
            request.timestamp = .epoch(seconds)
        }
    }

    private func parsedPlatforms(_ environment: BuilderEnvironment) throws -> [Platform] {
        var texts = platforms.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        if platforms.isEmpty, let preset = environment.variables["DOCKER_DEFAULT_PLATFORM"], !preset.isEmpty {
            texts = [preset]
        }
        return try texts.map { text in
            let trimmed = String(text.drop { $0 == " " })
            if trimmed == "local" { return .host.normalized }
            do {
                return try Platform(parsing: trimmed)
            } catch {
                throw BuildError(
                    .usage,
                    "failed to parse target platform \(trimmed): \(error)",
                    hints: ["write for example linux/arm64"]
                )
            }
        }
    }

    /// Cuts at the first `=`.
    static func pair(_ text: String) -> (String, String?) {
        guard let equals = text.firstIndex(of: "=") else { return (text, nil) }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
}

extension AnnotationRequest {
    /// `[level[platform],…:]key=value`; a prefix counts only when it names levels (MT-21).
    static func parse(_ text: String) throws -> [AnnotationRequest] {
        let (head, value) = InputOptions.pair(text)
        guard let value, !head.isEmpty, head.last != ":" else {
            throw BuildError(.usage, "invalid annotation \"\(text)\": it must be KEY=VALUE")
        }
        guard let colon = head.firstIndex(of: ":") else {
            return [AnnotationRequest(level: .manifest, platform: nil, key: head, value: value)]
        }
        let key = String(head[head.index(after: colon)...])
        return try head[..<colon].split(separator: ",")
            .map { prefix in
                var name = String(prefix)
                var platform: Platform?
                if let open = name.firstIndex(of: "["), name.hasSuffix("]") {
                    let inner = String(name[name.index(after: open)...].dropLast())
                    do {
                        platform = try Platform(parsing: inner)
                    } catch {
                        throw BuildError(.usage, "invalid platform in annotation \"\(text)\": \(error)")
                    }
                    name = String(name[..<open])
                }
                guard let level = Level(rawValue: name) else {
                    throw BuildError(
                        .usage,
                        "unknown annotation type \"\(name)\" in \"\(text)\"",
                        hints: ["use manifest, index, manifest-descriptor or index-descriptor"]
                    )
                }
                return AnnotationRequest(level: level, platform: platform, key: key, value: value)
            }
    }
}
