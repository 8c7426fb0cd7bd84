import ImgDockerfile
package import ImgReport

/// One stage as `--call=targets` lists it.
package struct TargetSummary: Sendable, Hashable {
    /// What `--target` takes; nil for a stage without a name.
    package var name: String?
    /// From the comment above FROM that starts with the name (LEX-8).
    package var description: String?
    /// Whether it is built without `--target`.
    package var isDefault: Bool
    /// The operand of FROM, unexpanded.
    package var base: String
    /// `--platform` of FROM, unexpanded.
    package var platform: String?
    /// The FROM line.
    package var range: SourceRange
}

extension PlanInputs {
    /// Every stage of the Dockerfile in order; nothing is expanded or resolved.
    package func targets() throws(BuildError) -> [TargetSummary] {
        let stages = try SourceStages(dockerfile).stages
        return stages.map { stage in
            TargetSummary(
                name: stage.from.stageName,
                description: stage.description,
                isDefault: stage.index == stages.count - 1,
                base: stage.from.image,
                platform: stage.from.platform,
                range: stage.line.range
            )
        }
    }
}

extension SourceStages.Stage {
    var description: String? { from.stageName.flatMap(line.description) }
}

extension Instruction {
    /// The rest of the first comment above that starts with a name.
    func description(of name: String) -> String? {
        guard let comment = comments.first(where: { $0.hasPrefix("\(name) ") }) else { return nil }
        return String(comment.dropFirst(name.count + 1))
    }
}
