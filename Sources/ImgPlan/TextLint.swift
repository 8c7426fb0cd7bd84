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
}
