import ImgOCI
import ImgReport

/// Annotations that a build has nothing to write on.
struct UnusedAnnotations {
    let annotations: [AnnotationRequest]
    let platforms: [Platform]
    let hasIndex: Bool

    /// Of an index that is not made: a warning, as buildx takes them for one platform as well, whose provenance makes an index.
    var warnings: [Diagnostic] {
        guard !hasIndex else { return [] }
        return annotations.filter { [.index, .indexDescriptor].contains($0.level) }
            .map {
                Diagnostic(
                    .warning,
                    "annotation \($0.level.rawValue):\($0.key) is not written: one platform makes no index",
                    hints: ["build several platforms, or give index=true in --output"]
                )
            }
    }

    /// Of a platform that is not built: an error, as in BuildKit's exporter.
    func refuse() throws(BuildError) {
        let built = platforms.map(\.description).joined(separator: ", ")
        let errors = annotations.compactMap { annotation -> Diagnostic? in
            guard let wanted = annotation.platform, !platforms.contains(where: { $0.normalized == wanted.normalized })
            else { return nil }
            return Diagnostic(
                .error,
                "invalid annotation: no platform \(wanted) found in source",
                notes: ["annotation: \(annotation.level.rawValue):\(annotation.key)", "built: \(built)"],
                hints: ["leave the annotation out, or build the platform with --platform"]
            )
        }
        if !errors.isEmpty { throw BuildError(.usage, diagnostics: errors) }
    }
}
