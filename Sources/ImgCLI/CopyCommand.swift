import ArgumentParser
import ImgBuilder
import ImgOCI
import ImgReport

/// `imgbuild copy`.
struct CopyCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy an image with all its platforms, byte for byte.",
        discussion:
            "SOURCE and TARGET are references or oci-layout://PATH[:TAG]. A SOURCE may be a tar of a layout or what `docker save` "
            + "writes; a TARGET whose PATH ends in .tar is a layout in a tar file, which `docker load` reads as well if it "
            + "holds one platform."
    )

    @Argument(help: "What to copy.")
    var source: String

    @Argument(help: "Where to.")
    var target: String

    @Option(
        name: .customLong("platform"),
        parsing: .unconditionalSingleValue,
        help: "Copy only these platforms, comma-separated."
    )
    var platforms: [String] = []

    @OptionGroup
    var creation: CreationOption

    @OptionGroup(title: "Registries and cache")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: ToolOutputOptions

    func perform() async throws -> Int32 {
        let events = output.renderer
        let builder = Builder(environment: try machine.environment(), events: events)
        let platforms = try PlatformList.parse(platforms)
        let origin = try ImageLocation(parsing: source)
        let result: CopyResult
        switch try CopyTarget(parsing: target) {
        case .registry(let reference):
            result = try await builder.copy(
                origin,
                to: try reference.pushTarget(),
                platforms: platforms,
                createsRepository: creation.createRepository
            )
        case .layout(let path, let tag, let isTar):
            creation.noteUnused(events)
            var name = origin.reference
            if let tag, let reference = name { name = try reference.withTag(tag) }
            result = try await builder.copy(
                origin,
                toLayout: path,
                isTar: isTar,
                name: name,
                tag: tag,
                platforms: platforms
            )
        }
        Console.standardOutput.print([result.root.digest.description])
        return 0
    }
}

/// Where `imgbuild copy` writes to.
enum CopyTarget: Hashable {
    case registry(ImageReference)
    case layout(path: String, tag: String?, isTar: Bool)

    init(parsing text: String) throws(BuildError) {
        switch try ImageLocation(parsing: text) {
        case .registry(let reference): self = .registry(reference)
        case .layout(let path, let tag, let digest):
            guard digest == nil else {
                throw BuildError(.usage, "cannot copy to a digest (\(text)); give a tag or none")
            }
            guard !path.hasSuffix(".tar.gz"), !path.hasSuffix(".tgz") else {
                throw BuildError(
                    .usage,
                    "cannot write a compressed archive (\(path)): layers are compressed already",
                    hints: ["give the file a name that ends in .tar"]
                )
            }
            self = .layout(path: path, tag: tag, isTar: path.hasSuffix(".tar"))
        }
    }
}

/// `imgbuild push`.
struct PushCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Push an image from an OCI layout or an archive to a registry."
    )

    @Argument(help: "PATH[:NAME] of an OCI layout, a directory or a tar, or of what docker save writes.")
    var source: String

    @Argument(help: "REPO:TAG.")
    var reference: String

    @Option(
        name: .customLong("platform"),
        parsing: .unconditionalSingleValue,
        help: "Push only these platforms, comma-separated."
    )
    var platforms: [String] = []

    @OptionGroup
    var creation: CreationOption

    @OptionGroup(title: "Registries and cache")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: ToolOutputOptions

    func perform() async throws -> Int32 {
        let builder = Builder(environment: try machine.environment(), events: output.renderer)
        let text = source.hasPrefix("oci-layout://") ? source : "oci-layout://\(source)"
        guard case .registry(let target) = try ImageLocation(parsing: reference) else {
            throw BuildError(.usage, "\(reference) is no reference of a registry")
        }
        let result = try await builder.copy(
            try ImageLocation(parsing: text),
            to: try target.pushTarget(),
            platforms: try PlatformList.parse(platforms),
            createsRepository: creation.createRepository
        )
        Console.standardOutput.print([result.root.digest.description])
        return 0
    }
}

/// What commands print that are no builds.
struct ToolOutputOptions: ParsableArguments {
    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print nothing but the digest.")
    var quiet = false

    @Flag(
        name: [.customShort("D"), .customLong("debug")],
        help: "Say everything, requests included; secrets are masked."
    )
    var debug = false

    var renderer: any EventSink {
        let console = Console.standardError
        return PlainRenderer(
            console: console,
            showsProgress: !quiet,
            showsDebug: debug,
            isLive: !quiet && console.isTerminal
        )
    }
}

/// Comma-separated platforms of a flag that may be repeated.
enum PlatformList {
    static func parse(_ texts: [String]) throws -> [Platform] {
        try texts.flatMap { $0.split(separator: ",").map(String.init) }
            .map { text in
                do {
                    return try Platform(parsing: text)
                } catch {
                    throw BuildError(.usage, "invalid platform: \(error)")
                }
            }
    }
}

extension ImageReference {
    /// A reference that can be pushed to (REF-8).
    func pushTarget() throws -> ImageReference {
        guard digest == nil else { throw BuildError(.usage, "cannot push to a digest reference (\(self)); give a tag") }
        return try withTag(tagOrLatest)
    }

    func withTag(_ tag: String) throws -> ImageReference {
        do {
            return try ImageReference(parsing: "\(repository):\(tag)")
        } catch {
            throw BuildError(.usage, error.description, hints: error.hint.map { [$0] } ?? [])
        }
    }
}

extension ImageLocation {
    var reference: ImageReference? {
        if case .registry(let reference) = self { return reference }
        return nil
    }
}
