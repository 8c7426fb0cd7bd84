import ImgBuilder
import ImgOCI
import ImgReport

/// One `--output`: `type=…` and its attributes, comma-separated as in buildx; a bare path is not supported.
///
/// - SeeAlso: <https://github.com/moby/buildkit/blob/master/exporter/containerimage/exptypes/keys.go>
struct OutputOption {
    private let type: String
    private var attributes: [(key: String, value: String)] = []

    init(type: String) {
        self.type = type
    }

    init(parsing text: String) throws {
        var type = ""
        for field in try Self.fields(text) {
            let (key, value) = InputOptions.pair(field)
            guard let value else {
                throw BuildError(
                    .usage,
                    "invalid value \"\(text)\" of --output: \"\(field)\" is not KEY=VALUE",
                    hints: ["type=oci,dest=FILE.tar writes an OCI layout"]
                )
            }
            if key == "type" { type = value } else { attributes.append((key, value)) }
        }
        self.type = type
    }

    /// A field with commas stands in double quotes, as in `"name=a/x:1,b/x:1"`; a quote in it is doubled (RFC 4180).
    private static func fields(_ text: String) throws -> [String] {
        var fields: [String] = []
        var rest = text[...]
        while !rest.isEmpty {
            var field = ""
            if rest.first == "\"" {
                var parts: [Substring] = []
                repeat {
                    rest = rest.dropFirst()
                    guard let end = rest.firstIndex(of: "\"") else {
                        throw BuildError(.usage, "invalid value \"\(text)\" of --output: a quote is not closed")
                    }
                    parts.append(rest[..<end])
                    rest = rest[end...].dropFirst()
                } while rest.first == "\""
                field = parts.joined(separator: "\"")
                guard rest.isEmpty || rest.first == "," else {
                    throw BuildError(.usage, "invalid value \"\(text)\" of --output: text follows a closing quote")
                }
            } else {
                field = String(rest.prefix { $0 != "," })
                rest = rest.dropFirst(field.count)
            }
            if !field.isEmpty { fields.append(field) }
            rest = rest.dropFirst()
        }
        return fields
    }

    /// One image is made for all outputs, so that they can't want different ones.
    static func refuseConflicts(_ options: [OutputOption]) throws {
        for key in ["compression", "compression-level", "force-compression", "oci-mediatypes", "index"] {
            let values = options.compactMap { $0.attributes.last { $0.key == key }?.value }
            guard let first = values.first, let other = values.first(where: { $0 != first }) else { continue }
            throw BuildError(
                .usage,
                "--output \(key)=\(first) and \(key)=\(other) do not go together: one image is made for all outputs",
                hints: ["run imgbuild once for each; what is the same comes from the cache"]
            )
        }
    }

    /// Whether this is what `--load` asks for.
    var isDockerDaemon: Bool { type == "docker" && !attributes.contains { $0.key == "dest" } }

    /// Whether `--push` concerns this output.
    var isImage: Bool { type == "image" || type == "registry" }

    /// The same output with `--push`.
    func pushed() throws -> OutputOption {
        guard isImage else { return self }
        var copy = self
        if let given = attributes.last(where: { $0.key == "push" }), Self.flag(given.value) == false {
            throw BuildError(.usage, "--push and --output push=\(given.value) contradict each other")
        }
        copy.attributes.append(("push", "true"))
        return copy
    }

    func fill(_ build: inout BuildIntent) throws {
        var rest = Attributes(type: type, rest: attributes)
        try Self.fillForm(&build, &rest)
        let names = try (rest.take("name") ?? "").split(separator: ",")
            .map { try ResultOptions.target(String($0), "name") }
        for output in try destinations(&build, &rest, names) where !build.request.outputs.contains(output) {
            build.request.outputs.append(output)
        }
        rest.noticeWhatIsAccepted(&build.notices)
        try rest.refuseRemaining()
    }

    /// The attributes that shape the image itself.
    private static func fillForm(_ build: inout BuildIntent, _ rest: inout Attributes) throws {
        if let text = rest.take("compression") {
            guard let format = LayerCompression(rawValue: text) else {
                throw BuildError(.usage, "unsupported compression \"\(text)\": gzip, zstd or uncompressed")
            }
            build.request.compression.format = format
        }
        if let text = rest.take("compression-level") {
            guard let level = Int(text) else { throw BuildError(.usage, "invalid compression-level \"\(text)\"") }
            build.request.compression.level = level
        }
        if try rest.flag("force-compression") == true { build.request.compression.isForced = true }
        if try rest.flag("oci-mediatypes") == false { build.request.usesDockerMediaTypes = true }
        if let index = try rest.flag("index") {
            guard index || Set(build.request.platforms).count < 2 else {
                throw BuildError(.usage, "--output index=false does not go with several platforms: they need an index")
            }
            build.request.forcesIndex = index
        }
        // Our own layers have fixed times, and the files of base layers are never changed.
        if try rest.flag("rewrite-timestamp") == false {
            build.notices.append(
                "--output rewrite-timestamp=false has no effect: only layers made here get the build's time, base layers keep theirs"
            )
        }
        build.request.annotations += try rest.takeAnnotations()
    }

    private func destinations(
        _ build: inout BuildIntent,
        _ rest: inout Attributes,
        _ names: [ImageReference]
    ) throws -> [OutputRequest] {
        let byDigest = isImage ? try rest.flag("push-by-digest") ?? false : false
        // What is pushed by digest is no tag of another output.
        let targets =
            byDigest && !names.isEmpty ? names : build.request.tags + names.filter { !build.request.tags.contains($0) }
        if !byDigest { build.request.tags = targets }
        switch type {
        case "registry", "image":
            let pushes = try rest.flag("push") ?? (type == "registry")
            let isInsecure = try rest.flag("registry.insecure") ?? false
            guard pushes else {
                build.notices.append(
                    "--output type=\(type) goes nowhere without push=true: imgbuild keeps no images of its own"
                )
                return [.nothing]
            }
            if isInsecure { build.insecureHosts += targets.map(\.domain) }
            guard byDigest else { return [.registry] }
            guard !targets.isEmpty else {
                throw BuildError(.usage, "push-by-digest needs name=REPO or -t REPO")
            }
            let tagged = targets.filter { $0.tagOrLatest != "latest" }
            if !tagged.isEmpty {
                build.notices.append(
                    "--output push-by-digest=true moves no tag: \(tagged.map(\.familiar).joined(separator: ", "))"
                )
            }
            return targets.map { .registryByDigest($0) }
        case "oci":
            let path = rest.take("dest") ?? "-"
            let isTar = try rest.flag("tar") ?? (path == "-" || path.hasSuffix(".tar"))
            return [.layout(path: path, isTar: isTar)]
        case "docker": return [rest.take("dest").map { .dockerArchive(path: $0) } ?? .dockerDaemon]
        case "cacheonly": return [.nothing]
        case "": throw BuildError(.usage, "type is required for --output")
        default:
            throw BuildError(
                .usage,
                "output type \"\(type)\" is not supported: registry, oci, docker or cacheonly",
                hints: ["local", "tar"].contains(type)
                    ? ["an image's files are never unpacked here; type=oci,dest=FILE.tar writes the image"] : []
            )
        }
    }

    fileprivate static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "1", "t": true
        case "false", "0", "f": false
        default: nil
        }
    }
}

/// Attributes of an output that nobody has taken yet.
private struct Attributes {
    let type: String
    var rest: [(key: String, value: String)]

    /// The last value of a key, as in buildx.
    mutating func take(_ key: String) -> String? {
        defer { rest.removeAll { $0.key == key } }
        return rest.last { $0.key == key }?.value
    }

    mutating func flag(_ key: String) throws -> Bool? {
        guard let text = take(key) else { return nil }
        guard let value = OutputOption.flag(text) else {
            throw BuildError(.usage, "invalid value \"\(text)\" of \(key) in --output: true or false")
        }
        return value
    }

    /// `annotation.KEY=VALUE`, `annotation-LEVEL[PLATFORM].KEY=VALUE`.
    mutating func takeAnnotations() throws -> [AnnotationRequest] {
        let found = rest.filter {
            $0.key.hasPrefix("annotation.") || $0.key.hasPrefix("annotation-") || $0.key.hasPrefix("annotation[")
        }
        rest.removeAll { attribute in found.contains { $0.key == attribute.key } }
        return try found.flatMap { key, value in
            // A platform may hold a dot (`arm64/v8.1`), a level can't.
            let bracket = key.firstIndex(of: "]") ?? key.startIndex
            guard let dot = key[bracket...].firstIndex(of: "."), key.index(after: dot) < key.endIndex else {
                throw BuildError(.usage, "invalid attribute \"\(key)\" of --output: annotation.KEY=VALUE")
            }
            var level = key[..<dot].dropFirst("annotation".count)
            if level.first == "-" { level = level.dropFirst() }
            if level.isEmpty || level.first == "[" { level = "manifest" + level }
            return try AnnotationRequest.parse("\(level):\(key[key.index(after: dot)...])=\(value)")
        }
    }

    /// What buildx knows and what changes nothing here, in words.
    private static let withoutEffect: [String: String] = [
        "name-canonical": "imgbuild keeps no images of its own that could have names",
        "dangling-name-prefix": "imgbuild keeps no images of its own that could have names",
        "danging-name-empty-only": "imgbuild keeps no images of its own that could have names",
        "store": "imgbuild keeps no images of its own", "unpack": "images are never unpacked",
        "prefer-nondist-layers": "base layers keep their types",
        "attestation-inline": "no attestations are written", "attestation-prefix": "no attestations are written",
        "oci-artifact": "no attestations are written", "buildinfo": "BuildKit itself writes none any more",
        "buildinfo-attrs": "BuildKit itself writes none any more",
    ]

    mutating func noticeWhatIsAccepted(_ notices: inout [String]) {
        for (key, reason) in Self.withoutEffect.sorted(by: { $0.key < $1.key }) {
            guard take(key) != nil else { continue }
            notices.append("--output \(key) has no effect: \(reason)")
        }
    }

    /// What to do instead of attributes that buildx knows, and what is known here.
    func refuseRemaining() throws {
        guard let unknown = rest.first else { return }
        let known = Self.known[type] ?? []
        let remedy: String
        switch unknown.key {
        case "source-date-epoch": remedy = "use --timestamp, or --build-arg SOURCE_DATE_EPOCH=SECONDS"
        case "context": remedy = "choose Docker's context with DOCKER_CONTEXT in the environment"
        case "dest" where type != "cacheonly": remedy = "type=oci,dest=PATH and type=docker,dest=FILE.tar write files"
        case "push": remedy = "add --output type=registry or --push"
        case "compatibility-version": remedy = "leave it out: BuildKit's versions have no meaning for imgbuild"
        default:
            remedy =
                Suggestion.nearest(unknown.key, among: known).map { "did you mean \($0)?" }
                ?? "known are \((known + Self.form).joined(separator: ", "))"
        }
        throw BuildError(
            .usage,
            "attribute \(unknown.key) of --output type=\(type) is not supported",
            hints: [remedy]
        )
    }

    private static let known = [
        "registry": ["name", "push", "push-by-digest", "registry.insecure"],
        "image": ["name", "push", "push-by-digest", "registry.insecure"],
        "oci": ["name", "dest", "tar"], "docker": ["name", "dest"],
    ]

    /// Of every type.
    private static let form = [
        "compression", "compression-level", "force-compression", "oci-mediatypes", "index", "annotation.KEY",
    ]
}
