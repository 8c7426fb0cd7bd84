import ImgReport

/// How many layers an image may have (PUSH-5).
extension BuildRun {
    /// Docker's limit: its overlay file system mounts no more.
    private static let most = 127
    /// From here on whoever builds on the image may come to the limit.
    private static let many = 100

    /// What is said of images with very many layers.
    ///
    /// - Parameter isPushed: Whether others will pull it.
    /// - Throws: `.refused` where one is to be pushed that Docker cannot pull.
    func layerCountFindings(_ platforms: [ResolvedPlatform], isPushed: Bool) throws(BuildError) -> [Diagnostic] {
        guard let longest = platforms.max(by: { $0.stage.layers.count < $1.stage.layers.count }) else { return [] }
        let count = longest.stage.layers.count
        guard count > Self.many else { return [] }
        let text = "\(longest.platform) has \(count) layers; Docker pulls images with at most \(Self.most)"
        let hints = [
            "every COPY, ADD and WORKDIR that changes something is a layer: give one COPY several sources, or gather the files in a stage and COPY --from it"
        ]
        guard count <= Self.most || !isPushed else { throw BuildError(.refused, text, hints: hints) }
        return [Diagnostic(.warning, text, hints: hints)]
    }
}
