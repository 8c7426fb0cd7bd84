package import ImgDockerfile
package import ImgOCI

/// Everything that decides what a Dockerfile means, apart from its base images.
package struct PlanInputs: Sendable {
    package var dockerfile: Dockerfile
    /// Normalised, in the order of the result; empty keeps the platform of the base image (PLT-8).
    package var platforms: [Platform] = []
    /// Where the build runs: `BUILDPLATFORM`, and the target platform when none was asked for.
    package var buildPlatform: Platform = .host
    /// `--build-arg`; an empty value counts as given (ARG-2).
    package var buildArgs: [String: String] = [:]
    /// `--target` as typed.
    package var target: String?
    /// `--label`, merged last (CFG-3).
    package var labels: [(key: String, value: String)] = []
    /// `--build-context`, by name as typed.
    package var namedContexts: [String: NamedContext] = [:]
    /// The resolved `SOURCE_DATE_EPOCH`, which `ARG SOURCE_DATE_EPOCH` yields (REP-3).
    package var epoch: Int64?
    /// Of the main context, for `CopyIgnoredFile`; nil when nothing is ignored.
    package var ignore: IgnorePatterns?
    /// What the plan is for.
    package var purpose: Purpose = .build

    package enum Purpose: Sendable, Hashable {
        case build
        /// Without a target every stage is checked, and RUN is no error (LINT-1, RUN-6).
        case check
    }

    package init(dockerfile: Dockerfile) {
        self.dockerfile = dockerfile
    }
}

/// A base image as it was found.
package struct BaseImage: Sendable, Hashable {
    package var reference: BaseRequest.Source
    package var manifest: ImageManifest
    package var manifestDescriptor: Descriptor
    package var config: ImageConfig
    /// Digest of the index or manifest that the reference leads to.
    package var resolvedDigest: Digest

    package init(
        reference: BaseRequest.Source,
        manifest: ImageManifest,
        manifestDescriptor: Descriptor,
        config: ImageConfig,
        resolvedDigest: Digest
    ) {
        self.reference = reference
        self.manifest = manifest
        self.manifestDescriptor = manifestDescriptor
        self.config = config
        self.resolvedDigest = resolvedDigest
    }
}
