import ImgOCI
import ImgReport

/// Annotations that a build has nothing to write on.
struct UnusedAnnotations {
    let annotations: [AnnotationRequest]
    let platforms: [Platform]
    let hasIndex: Bool

    var warnings: [Diagnostic] {
        annotations.compactMap { annotation in
            let name = "annotation \(annotation.level.rawValue):\(annotation.key)"
            if !hasIndex, [.index, .indexDescriptor].contains(annotation.level) {
                return Diagnostic(
                    .warning,
                    "\(name) is not written: one platform makes no index",
                    hints: ["build several platforms, or give index=true in --output"]
                )
            }
            guard let wanted = annotation.platform, !platforms.contains(where: { $0.normalized == wanted.normalized })
            else { return nil }
            let built = platforms.map(\.description).joined(separator: ", ")
            return Diagnostic(.warning, "\(name) is not written: \(wanted) is not built, only \(built)")
        }
    }
}
