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
        help:
            "type=registry|oci|docker|cacheonly[,dest=PATH][,tar=false][,compression=gzip|zstd|uncompressed]…; all attributes: docs/build.md."
    )
    var outputs: [String] = []

    @OptionGroup
    var creation: CreationOption

    @Option(
        name: .customLong("verify"),
        help:
            "What is read back and compared before a tag moves: off, manifests (with the index) or blobs (these are asked for, too); default: manifests."
    )
    var verify: String?

    func fill(_ build: inout BuildIntent, _ environment: BuilderEnvironment) throws {
        build.request.tags = try parsedTags()
        build.request.createsRepository = creation.createRepository
        if let verify {
            guard let verification = Verification(rawValue: verify) else {
                throw BuildError(.usage, "invalid value \"\(verify)\" of --verify: off, manifests or blobs")
            }
            build.request.verification = verification
        }
        if let text = environment.variables["BUILDKIT_MULTI_PLATFORM"], ["1", "t", "true"].contains(text.lowercased()) {
            build.request.forcesIndex = true
        }
        for option in try outputOptions() { try option.fill(&build) }
        try refuseWhatDockerTypesLack(build.request)
        guard !build.request.outputs.contains(.registry) || !build.request.tags.isEmpty else {
            throw BuildError(.usage, "tag is needed when pushing to registry", hints: ["add -t REPO:TAG"])
        }
        noticeWhatOnlyPushesHave(&build)
    }

    /// Those of `--output`, and those that `--push` and `--load` stand for unless there is one that fits.
    private func outputOptions() throws -> [OutputOption] {
        var options = try outputs.map { try OutputOption(parsing: $0) }
        try OutputOption.refuseConflicts(options)
        if load, !options.contains(where: \.isDockerDaemon) { options.insert(OutputOption(type: "docker"), at: 0) }
        guard push else { return options }
        guard options.contains(where: \.isImage) else { return [OutputOption(type: "registry")] + options }
        return try options.map { try $0.pushed() }
    }

    private func noticeWhatOnlyPushesHave(_ build: inout BuildIntent) {
        let pushes = build.request.outputs.contains { output in
            switch output {
            case .registry, .registryByDigest: true
            default: false
            }
        }
        guard !pushes else { return }
        if creation.createRepository { build.notices.append(CreationOption.unused) }
        if verify != nil { build.notices.append("--verify has no effect: nothing is pushed") }
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
    static func target(_ text: String, _ what: String) throws -> ImageReference {
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
