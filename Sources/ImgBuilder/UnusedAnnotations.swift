import ImgOCI
import ImgReport

/// Annotations that a build has nothing to write on; BuildKit's exporter refuses them as well.
struct UnusedAnnotations {
    let annotations: [AnnotationRequest]
    let platforms: [Platform]
    let hasIndex: Bool

    func refuse() throws(BuildError) {
        let errors = annotations.compactMap(error)
        if !errors.isEmpty { throw BuildError(.usage, diagnostics: errors) }
    }

    private func error(_ annotation: AnnotationRequest) -> Diagnostic? {
        let name = "annotation: \(annotation.level.rawValue):\(annotation.key)"
        if !hasIndex, [.index, .indexDescriptor].contains(annotation.level) {
            return Diagnostic(
                .error,
                "index annotations not supported for single platform export",
                notes: [name],
                hints: ["build several platforms, or give index=true in --output"]
            )
        }
        guard let wanted = annotation.platform, !platforms.contains(where: { $0.normalized == wanted.normalized })
        else { return nil }
        let built = platforms.map(\.description).joined(separator: ", ")
        return Diagnostic(
            .error,
            "invalid annotation: no platform \(wanted) found in source",
            notes: [name, "built: \(built)"],
            hints: ["leave the annotation out, or build the platform with --platform"]
        )
    }
}
