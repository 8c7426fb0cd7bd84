import ArgumentParser
import ImgBuilder
import ImgOCI
import ImgReport

/// `imgbuild verify`.
struct VerifyCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Predict whether an image starts on every platform it claims; nothing is run."
    )

    @Argument(help: "REF, or oci-layout://PATH[:TAG], PATH may be an archive.")
    var image: String

    @Option(
        name: .customLong("platform"),
        parsing: .unconditionalSingleValue,
        help: "Platforms that must be there, comma-separated."
    )
    var platforms: [String] = []

    @Option(name: .customLong("for"), parsing: .unconditionalSingleValue, help: ConsumerList.help)
    var consumers: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup(title: "Registries and cache")
    var machine: MachineOptions

    @OptionGroup(title: "Output")
    var output: DebugOption

    func perform() async throws -> Int32 {
        let builder = Builder(environment: try machine.environment(), events: output.events)
        let report = try await builder.verify(
            try ImageLocation(parsing: image),
            platforms: try PlatformList.parse(platforms),
            consumers: ConsumerList.parse(consumers)
        )
        Console.standardOutput.print(json ? Self.json(report).lines : Self.lines(report))
        return report.fails ? 1 : 0
    }

    private static func lines(_ report: VerifyReport) -> [String] {
        let width = report.platforms.map { $0.platform.description.utf8.count }.max() ?? 0
        return report.platforms.flatMap { platform in
            let name = platform.platform.description
            let padding = String(repeating: " ", count: width - name.utf8.count)
            let digest = platform.digest.map { " \($0)" } ?? ""
            return ["\(name)\(padding)  \(Verdict(platform.findings).rawValue)\(digest)"]
                + platform.findings.flatMap { ErrorText($0).lines.map { "  \($0)" } }
        }
            + report.consumers.flatMap { consumer in
                ["for \(consumer.name)  \(Verdict(consumer.findings).rawValue)"]
                    + consumer.findings.flatMap { ErrorText($0).lines.map { "  \($0)" } }
            }
    }

    private static func json(_ report: VerifyReport) -> JSON {
        let platforms = report.platforms.map { platform in
            JSON.object(
                JSONObject([
                    ("platform", .string(platform.platform.description)),
                    ("digest", platform.digest.map { .string($0.description) } ?? .null),
                    ("verdict", .string(Verdict(platform.findings).rawValue)),
                    ("findings", .array(platform.findings.map(finding))),
                ])
            )
        }
        let consumers = report.consumers.map { consumer in
            JSON.object(
                JSONObject([
                    ("name", .string(consumer.name)),
                    ("verdict", .string(Verdict(consumer.findings).rawValue)),
                    ("findings", .array(consumer.findings.map(finding))),
                ])
            )
        }
        var object = JSONObject([("platforms", .array(platforms))])
        if !consumers.isEmpty { object["consumers"] = .array(consumers) }
        return .object(object)
    }

    private static func finding(_ finding: Diagnostic) -> JSON {
        let path = finding.notes.first { $0.hasPrefix("path: ") }.map { String($0.dropFirst(6)) }
        return .object(
            JSONObject([
                ("rule", .string(finding.rule ?? "")), ("severity", .string(finding.severity.rawValue)),
                ("message", .string(finding.message)), ("path", path.map(JSON.string) ?? .null),
                ("remedy", .string(finding.hints.joined(separator: "; "))),
                ("url", finding.url.map(JSON.string) ?? .null),
            ])
        )
    }
}
