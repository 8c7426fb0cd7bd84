import ArgumentParser
import ImgBuilder
import ImgOCI
import ImgReport

/// `imgbuild doctor`.
struct DoctorCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look for what stands between this machine and a repository."
    )

    @Argument(help: "REPO[:TAG].")
    var image: String

    @Flag(help: "See whether a push is allowed: an upload is opened and cancelled.")
    var push = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup(title: "Registries and cache")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: DebugOption

    func perform() async throws -> Int32 {
        guard case .registry(let reference) = try ImageLocation(parsing: image) else {
            throw BuildError(.usage, "\"\(image)\" is no repository of a registry")
        }
        let builder = Builder(environment: try machine.environment(), events: output.events)
        let report = try await builder.doctor(reference, triesPush: push)
        Console.standardOutput.print(json ? Self.json(report).lines : Self.lines(report))
        return report.fails ? 1 : 0
    }

    static func lines(_ report: DoctorReport) -> [String] {
        let width = report.findings.map(\.name.utf8.count).max() ?? 0
        return report.findings.map { finding in
            let verdict = Self.padded(finding.verdict.rawValue, 4)
            return "\(verdict)  \(Self.padded(finding.name, width))  \(finding.detail)"
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.utf8.count))
    }

    private static func json(_ report: DoctorReport) -> JSON {
        .object(
            JSONObject([
                (
                    "findings",
                    .array(
                        report.findings.map { finding in
                            .object(
                                JSONObject([
                                    ("verdict", .string(finding.verdict.rawValue)), ("name", .string(finding.name)),
                                    ("detail", .string(finding.detail)),
                                ])
                            )
                        }
                    )
                )
            ])
        )
    }
}
