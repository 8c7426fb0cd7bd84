import ImgDockerfile
package import ImgReport

extension PlanInputs {
    /// Findings of the rules that need nothing but the text (§17).
    ///
    /// For `--check` of a Dockerfile that can't be planned: its warnings stand before the error (LINT-2).
    package func textFindings() -> [Diagnostic] {
        guard let source = try? SourceStages(dockerfile), let options = try? LintOptions(self) else { return [] }
        var findings = Findings(options)
        Lint(source: source, reached: Set(source.stages.indices)).run(dockerfile, &findings)
        return findings.sorted
    }

    /// Findings in what stands before the first mistake of a Dockerfile, which are reported before it (LINT-2).
    ///
    /// Rules that take the whole file have nothing to say about one that can't be read.
    package func findings(before mistake: Diagnostic) -> [Diagnostic] {
        guard let options = try? LintOptions(self) else { return [] }
        var findings = Findings(options)
        let end = mistake.range?.lowerBound ?? .max
        for instruction in dockerfile.instructions where instruction.range.lowerBound < end {
            LineLint.check(instruction, &findings)
        }
        return findings.sorted
    }
}
