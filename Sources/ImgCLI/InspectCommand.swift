import ArgumentParser
import ImgBuilder
import ImgOCI
import ImgReport

/// `imgbuild inspect`.
struct InspectCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what an image is: platforms, sizes, layers, configuration."
    )

    @Argument(help: "REF, or oci-layout://PATH[:TAG], PATH may be an archive.")
    var image: String

    @Flag(help: "Print the manifest or index exactly as served.")
    var raw = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup(title: "Registries and cache")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: DebugOption

    func validate() throws {
        if raw, json { throw ValidationError("--raw and --json exclude each other.") }
    }

    func perform() async throws -> Int32 {
        let builder = Builder(environment: try machine.environment(), events: output.events)
        let description = try await builder.inspect(try ImageLocation(parsing: image))
        if raw {
            Console.standardOutput.write(description.rootBytes)
        } else if json {
            Console.standardOutput.print(Self.json(image, description).lines)
        } else {
            Console.standardOutput.print(Self.lines(image, description))
        }
        return 0
    }

    static func lines(_ name: String, _ description: ImageDescription) -> [String] {
        var lines = ["\(name)", "  digest    \(description.root.digest)", "  type      \(description.root.mediaType)"]
        for image in description.images {
            let config = image.config.config
            lines += [
                "", "  \(platform(image) ?? "artifact")", "    digest      \(image.manifest.digest)",
                "    size        \(ByteCount(image.size))",
            ]
            if let type = image.artifactType { lines.append("    artifact    \(type)") }
            if let created = image.config.created { lines.append("    created     \(created)") }
            if let entrypoint = config.entrypoint { lines.append("    entrypoint  \(JSON.strings(entrypoint).text())") }
            if let command = config.cmd { lines.append("    cmd         \(JSON.strings(command).text())") }
            if !config.user.isEmpty { lines.append("    user        \(config.user)") }
            if !config.workingDir.isEmpty { lines.append("    workdir     \(config.workingDir)") }
            for layer in image.layers {
                lines.append(
                    "    layer       \(layer.digest) \(ByteCount(layer.size)) \(layer.mediaType.layerCompression?.rawValue ?? "\(layer.mediaType)")"
                )
            }
        }
        return lines
    }

    /// Artifacts are often for none.
    private static func platform(_ image: ImageDescription.Image) -> String? {
        image.artifactType != nil && image.platform.os.isEmpty ? nil : image.platform.description
    }

    static func json(_ name: String, _ description: ImageDescription) -> JSON {
        let images = description.images.map { image in
            var object = JSONObject([
                ("platform", platform(image).map(JSON.string) ?? .null),
                ("digest", .string(image.manifest.digest.description)),
                ("size", .integer(image.size)), ("layers", .array(image.layers.map(\.json))),
                ("config", (try? JSON.parse(image.config.encoded())) ?? .null),
            ])
            if let type = image.artifactType { object["artifactType"] = .string(type) }
            return JSON.object(object)
        }
        return .object(
            JSONObject([
                ("name", .string(name)), ("digest", .string(description.root.digest.description)),
                ("mediaType", .string(description.root.mediaType.rawValue)), ("images", .array(images)),
            ])
        )
    }
}
