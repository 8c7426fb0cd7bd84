extension ImageReference {
    /// Names under which no image of Docker Hub lies: whoever writes one alone has forgotten the repository.
    private static let registries: Set<String> = [
        "docker.io", "index.docker.io", "registry-1.docker.io", "ghcr.io", "quay.io", "gcr.io", "public.ecr.aws",
        "mcr.microsoft.com", "registry.gitlab.com", "registry.k8s.io",
    ]
    private static let suffixes = [".azurecr.io", ".pkg.dev", ".gcr.io"]

    private static func isRegistry(_ host: Substring) -> Bool {
        if registries.contains(String(host)) || suffixes.contains(where: host.hasSuffix) { return true }
        // ACCOUNT.dkr.ecr.REGION.amazonaws.com and its like
        let labels = host.split(separator: ".")
        guard labels.count >= 5, labels[0].utf8.count == 12 else { return false }
        return labels[0].utf8.allSatisfy { (0x30...0x39).contains($0) } && labels[1].hasPrefix("dkr")
    }

    /// A registry's host where its repository should stand, alone or twice.
    static func refuseHost(
        inPlaceOf path: Substring,
        at domain: Substring?,
        in text: String
    ) throws(ReferenceError) {
        let first = path.prefix { $0 != "/" }
        guard domain == nil || domain == first, isRegistry(first) else { return }
        if domain == nil {
            // With a slash behind it, it would have been taken for the host.
            throw ReferenceError(
                text,
                "invalid reference format: no repository in \"\(first)\", which is a registry",
                hint: "write \(first)/REPOSITORY:TAG"
            )
        }
        throw ReferenceError(
            text,
            "invalid reference format: the repository name contains the registry's host once more",
            hint: "write \(text.dropFirst(first.count + 1))"
        )
    }
}
