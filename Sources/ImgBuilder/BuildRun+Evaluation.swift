import ImgDockerfile
import ImgPlan
import ImgReport

/// The ways to look at a Dockerfile that build nothing.
extension BuildRun {
    /// Lint findings and, after them, why it can't be built (LINT-2).
    func check() async throws -> CheckReport {
        var readable: [Diagnostic] = []
        do {
            let prepared = try await prepare(.check) { readable = $0 }
            readable = prepared.inputs.textFindings()
            return CheckReport(warnings: try await plan(prepared).plan.diagnostics, error: nil)
        } catch let error as CancellationError {
            throw error
        } catch {
            // Without a plan, the rules that need nothing but the text have still something to say.
            var failure = BuildError(describing: error)
            let found = failure.diagnostics.filter { $0.severity != .error }
            failure.diagnostics.removeAll { $0.severity != .error }
            return CheckReport(warnings: found.isEmpty ? readable : found, error: failure)
        }
    }

    func outline() async throws -> OutlineReport {
        let inputs = try await prepare(.check).inputs
        let outline = try inputs.outline()
        return OutlineReport(
            name: outline.name,
            description: outline.description,
            arguments: outline.arguments.map { argument in
                OutlineReport.Argument(
                    name: argument.name,
                    value: argument.value,
                    description: argument.description,
                    range: argument.range
                )
            },
            dockerfile: inputs.dockerfile.file
        )
    }

    func targets() async throws -> TargetsReport {
        let inputs = try await prepare(.check).inputs
        return TargetsReport(
            targets: try inputs.targets()
                .map { target in
                    TargetsReport.Target(
                        name: target.name,
                        description: target.description,
                        isDefault: target.isDefault,
                        base: target.base,
                        platform: target.platform,
                        range: target.range
                    )
                },
            dockerfile: inputs.dockerfile.file
        )
    }
}
