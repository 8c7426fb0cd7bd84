import ArgumentParser
import ImgBuilder
import ImgExport
import ImgOCI
import ImgReport

/// `imgbuild index`.
struct IndexCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Work with indexes, the lists of images by platform.",
        subcommands: [IndexCreateCommand.self]
    )
}

/// `imgbuild index create`.
struct IndexCreateCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Join images, perhaps built on separate machines, into one index and push it."
    )

    @Argument(help: "Images or indexes: REF, REF@DIGEST or oci-layout://PATH[:TAG], PATH may be an archive.")
    var sources: [String]

    @Option(
        name: [.customShort("t"), .customLong("tag")],
        parsing: .unconditionalSingleValue,
        help: "REPO:TAG of the index; repeatable."
    )
    var tags: [String] = []

    @Flag(help: "Keep the images that the first tag has now where no source replaces them.")
    var append = false

    @Flag(name: .customLong("dry-run"), help: "Print the index and push nothing.")
    var dryRun = false

    @Option(
        name: [.customShort("p"), .customLong("platform")],
        parsing: .unconditionalSingleValue,
        help: "Take only these platforms of the sources."
    )
    var platforms: [String] = []

    @Option(name: .customLong("annotation"), parsing: .unconditionalSingleValue, help: "KEY=VALUE on the index.")
    var annotations: [String] = []

    @Option(name: .customLong("metadata-file"), help: "JSON file with the digest.")
    var metadataFile: String?

    @OptionGroup
    var creation: CreationOption

    @OptionGroup(title: "Registries and cache")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: ToolOutputOptions

    func validate() throws {
        if append, tags.isEmpty { throw ValidationError("--append needs -t REPO:TAG: the index to append to.") }
    }

    func perform() async throws -> Int32 {
        let references = try tags.map { text in
            guard case .registry(let reference) = try ImageLocation(parsing: text) else {
                throw BuildError(.usage, "\(text) is no reference of a registry")
            }
            return try reference.pushTarget()
        }
        var request = IndexRequest(sources: try sources.map { try ImageLocation(parsing: $0) }, tags: references)
        request.appends = append
        request.isDryRun = dryRun
        request.createsRepository = creation.createRepository
        request.platforms = try PlatformList.parse(platforms)
        for text in annotations {
            let hasLevel = InputOptions.pair(text).0.contains(":")
            for annotation in try AnnotationRequest.parse(text) {
                guard !hasLevel || (annotation.level == .index && annotation.platform == nil) else {
                    throw BuildError(
                        .usage,
                        "annotation \"\(text)\" is not for the index, which is all that index create writes",
                        hints: ["leave the prefix out, or write index:"]
                    )
                }
                request.annotations[annotation.key] = annotation.value
            }
        }
        let events = output.renderer
        if dryRun { creation.noteUnused(events) }
        let builder = Builder(environment: try machine.environment(), events: events)
        if let metadataFile { try DraftFile.check(metadataFile) }
        let result = try await builder.createIndex(request)
        if let metadataFile {
            var object = JSONObject()
            object["containerimage.descriptor"] = result.descriptor.json
            object["containerimage.digest"] = .string(result.descriptor.digest.description)
            if !references.isEmpty {
                object["image.name"] = .string(references.map(\.normalized).joined(separator: ","))
            }
            try DraftFile.replace(metadataFile, with: JSON.object(object).encoded(indent: 2) + [0x0a])
        }
        if dryRun {
            Console.standardOutput.print(try JSON.parse(result.bytes).lines)
        } else {
            Console.standardOutput.print([result.descriptor.digest.description])
        }
        return 0
    }
}
