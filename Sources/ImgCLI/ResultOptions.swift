import ArgumentParser
import ImgBuilder
import ImgOCI
import ImgReport

/// Where the image goes and in which form.
struct ResultOptions: ParsableArguments {
    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("tag")],
        parsing: .unconditionalSingleValue,
        help: "Name of the image, REPO[:TAG]; repeatable, several registries."
    )
    var tags: [String] = []

    @Flag(name: .customLong("push"), help: "Push to the registries of the tags.")
    var push = false

    @Flag(name: .customLong("load"), help: "Load into Docker, as --output type=docker; one platform.")
    var load = false

    @Option(
        name: [.customShort("o", allowingJoined: true), .customLong("output")],
        parsing: .unconditionalSingleValue,
        help: "type=registry|oci|docker|cacheonly[,dest=PATH][,tar=false][,compression=gzip|zstd|uncompressed]…"
    )
    var outputs: [String] = []

    @Flag(name: .customLong("create-repository"), help: "Create a missing repository (Amazon ECR).")
    var createRepository = false

    @Option(
        name: .customLong("verify"),
        help: "What is read back from the registry before a tag moves: off, manifests or blobs."
    )
    var verify: String = "manifests"

    func fill(_ request: inout BuildRequest, _ environment: BuilderEnvironment) throws {
        request.tags = try parsedTags()
        request.createsRepository = createRepository
        guard let verification = Verification(rawValue: verify) else {
            throw BuildError(.usage, "invalid value \"\(verify)\" of --verify: off, manifests or blobs")
        }
        request.verification = verification
        if load { request.outputs.append(.dockerDaemon) }
        if push { request.outputs.append(.registry) }
        let options = try outputs.map { try OutputOption(parsing: $0) }
        try OutputOption.refuseConflicts(options)
        for option in options { try option.fill(&request) }
        try refuseWhatDockerTypesLack(request)
        let pushes = request.outputs.contains(.registry)
        guard !pushes || !request.tags.isEmpty else {
            throw BuildError(.usage, "tag is needed when pushing to registry", hints: ["add -t REPO:TAG"])
        }
        if let text = environment.variables["BUILDKIT_MULTI_PLATFORM"], ["1", "t", "true"].contains(text.lowercased()) {
            request.forcesIndex = true
        }
    }

    /// Docker's manifests know neither (MT-1).
    private func refuseWhatDockerTypesLack(_ request: BuildRequest) throws {
        guard request.usesDockerMediaTypes else { return }
        let lacking =
            request.compression.format == .zstd ? "compression=zstd" : request.annotations.isEmpty ? nil : "annotations"
        if let lacking { throw BuildError(.usage, "oci-mediatypes=false does not go with \(lacking)") }
    }

    private func parsedTags() throws -> [ImageReference] {
        var seen: [ImageReference] = []
        for text in tags {
            let tagged = try Self.target(text, "tag")
            if !seen.contains(tagged) { seen.append(tagged) }
        }
        return seen
    }

    /// What can be pushed to: a name with a tag, `latest` unless given (REF-8).
    fileprivate static func target(_ text: String, _ what: String) throws -> ImageReference {
        let reference: ImageReference
        do throws(ReferenceError) {
            reference = try ImageReference(parsing: text)
        } catch {
            throw BuildError(
                .usage,
                "invalid \(what) \"\(text)\": \(error.reason)",
                hints: error.hint.map { [$0] } ?? []
            )
        }
        return try reference.pushTarget()
    }
}

/// One `--output`: `type=…` and its attributes, comma-separated as in buildx; a bare path is not supported.
struct OutputOption {
    private var type = ""
    private var attributes: [(key: String, value: String)] = []

    init(parsing text: String) throws {
        for field in text.split(separator: ",") {
            let (key, value) = InputOptions.pair(String(field))
            guard let value else {
                throw BuildError(
                    .usage,
                    "invalid value \"\(text)\" of --output: \"\(field)\" is not KEY=VALUE",
                    hints: ["type=oci,dest=FILE.tar writes an OCI layout"]
                )
            }
            if key == "type" { type = value } else { attributes.append((key, value)) }
        }
    }

    /// One image is made for all outputs, so that they can't want different ones.
    static func refuseConflicts(_ options: [OutputOption]) throws {
        for key in ["compression", "compression-level", "force-compression", "oci-mediatypes"] {
            let values = options.compactMap { $0.attributes.last { $0.key == key }?.value }
            guard let first = values.first, let other = values.first(where: { $0 != first }) else { continue }
            throw BuildError(
                .usage,
                "--output \(key)=\(first) and \(key)=\(other) do not go together: one image is made for all outputs",
                hints: ["run imgbuild once for each; what is the same comes from the cache"]
            )
        }
    }

    func fill(_ request: inout BuildRequest) throws {
        var rest = attributes
        func take(_ key: String) -> String? {
            guard let place = rest.firstIndex(where: { $0.key == key }) else { return nil }
            return rest.remove(at: place).value
        }
        func flag(_ key: String) throws -> Bool? {
            guard let text = take(key) else { return nil }
            switch text.lowercased() {
            case "true", "1", "t": return true
            case "false", "0", "f": return false
            default: throw BuildError(.usage, "invalid value \"\(text)\" of \(key) in --output: true or false")
            }
        }
        try fillForm(&request, take, flag)
        if let names = take("name") {
            request.tags += try names.split(separator: ",").map { try ResultOptions.target(String($0), "name") }
        }
        request.outputs += try destinations(request, take, flag)
        if let unknown = rest.first {
            throw BuildError(.usage, "attribute \(unknown.key) of --output type=\(type) is not supported")
        }
    }

    /// The attributes that shape the image itself.
    private func fillForm(
        _ request: inout BuildRequest,
        _ take: (String) -> String?,
        _ flag: (String) throws -> Bool?
    ) throws {
        if let text = take("compression") {
            guard let format = LayerCompression(rawValue: text) else {
                throw BuildError(.usage, "unsupported compression \"\(text)\": gzip, zstd or uncompressed")
            }
            request.compression.format = format
        }
        if let text = take("compression-level") {
            guard let level = Int(text) else { throw BuildError(.usage, "invalid compression-level \"\(text)\"") }
            request.compression.level = level
        }
        if try flag("force-compression") == true { request.compression.isForced = true }
        if try flag("oci-mediatypes") == false { request.usesDockerMediaTypes = true }
        if try flag("index") == true { request.forcesIndex = true }
        // Always on here: our own layers have fixed times, and the files of base layers are never changed.
        _ = try flag("rewrite-timestamp")
    }

    private func destinations(
        _ request: BuildRequest,
        _ take: (String) -> String?,
        _ flag: (String) throws -> Bool?
    ) throws -> [OutputRequest] {
        switch type {
        case "registry", "image":
            let byDigest = try flag("push-by-digest") ?? false
            let pushes = try flag("push") ?? (type == "registry")
            guard pushes || byDigest else { return [.nothing] }
            guard byDigest else { return [.registry] }
            guard !request.tags.isEmpty else {
                throw BuildError(.usage, "push-by-digest needs name=REPO or -t REPO")
            }
            return request.tags.map { .registryByDigest($0) }
        case "oci":
            let path = take("dest") ?? "-"
            let isTar = try flag("tar") ?? (path == "-" || path.hasSuffix(".tar"))
            return [.layout(path: path, isTar: isTar)]
        case "docker": return [take("dest").map { .dockerArchive(path: $0) } ?? .dockerDaemon]
        case "cacheonly": return [.nothing]
        case "": throw BuildError(.usage, "type is required for --output")
        default:
            throw BuildError(.usage, "output type \"\(type)\" is not supported: registry, oci, docker or cacheonly")
        }
    }
}
