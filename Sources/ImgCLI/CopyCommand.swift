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
            "SOURCE and TARGET are references or oci-layout://PATH[:TAG]; a TARGET that ends in .tar is a layout in a tar file, "
            + "which `docker load` reads as well if it holds one platform."
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

    @OptionGroup(title: "Registries and cache")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: ToolOutputOptions

    func perform() async throws -> Int32 {
        let builder = Builder(environment: try machine.environment(), events: output.renderer)
        let platforms = try PlatformList.parse(platforms)
        let origin = try ImageLocation(parsing: source)
        let result: CopyResult
        if target.hasSuffix(".tar") {
            result = try await builder.copy(
                origin,
                toLayout: target,
                isTar: true,
                name: origin.reference,
                platforms: platforms
            )
        } else {
            switch try ImageLocation(parsing: target) {
            case .registry(let reference):
                result = try await builder.copy(origin, to: try reference.pushTarget(), platforms: platforms)
            case .layout(let path, let tag, _):
                let name = tag.flatMap { tag in origin.reference?.withTag(tag) } ?? origin.reference
                result = try await builder.copy(origin, toLayout: path, isTar: false, name: name, platforms: platforms)
            }
        }
        Console.standardOutput.print([result.root.digest.description])
        return 0
    }
}

/// `imgbuild push`.
struct PushCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Push an image from an OCI layout to a registry."
    )

    @Argument(help: "PATH[:TAG] of an OCI layout directory.")
    var layout: String

    @Argument(help: "REPO:TAG.")
    var reference: String

    @OptionGroup(title: "Registries and cache")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: ToolOutputOptions

    func perform() async throws -> Int32 {
        let builder = Builder(environment: try machine.environment(), events: output.renderer)
        let text = layout.hasPrefix("oci-layout://") ? layout : "oci-layout://\(layout)"
        guard case .registry(let target) = try ImageLocation(parsing: reference) else {
            throw BuildError(.usage, "\(reference) is no reference of a registry")
        }
        let result = try await builder.copy(try ImageLocation(parsing: text), to: try target.pushTarget())
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
        return withTag(tagOrLatest)
    }

    func withTag(_ tag: String) -> ImageReference {
        (try? ImageReference(parsing: "\(repository):\(tag)")) ?? self
    }
}

extension ImageLocation {
    var reference: ImageReference? {
        if case .registry(let reference) = self { return reference }
        return nil
    }
}
