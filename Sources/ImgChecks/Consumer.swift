import ImgOCI

/// Something that pulls images and takes fewer than the specification allows (`docs/checks.md`).
package enum Consumer: String, Sendable, CaseIterable {
    case fargate
    case fargateARM64 = "fargate-arm64"
    case lambda
    case lambdaARM64 = "lambda-arm64"
    case docker20
    case podman
    case quay
    case artifactory

    /// For people.
    var name: String {
        switch self {
        case .fargate: "Amazon ECS and Fargate (X86_64)"
        case .fargateARM64: "Amazon ECS and Fargate (ARM64)"
        case .lambda: "AWS Lambda (x86_64)"
        case .lambdaARM64: "AWS Lambda (arm64)"
        case .docker20: "Docker before 23"
        case .podman: "Podman"
        case .quay: "Quay"
        case .artifactory: "Artifactory"
        }
    }

    /// What it runs; nil when it takes what its machine is.
    var platform: Platform? {
        switch self {
        case .fargate, .lambda: Platform(os: "linux", architecture: "amd64")
        case .fargateARM64, .lambdaARM64: Platform(os: "linux", architecture: "arm64")
        default: nil
        }
    }

    /// The rules it imposes, each with where it is known from.
    var rules: [(rule: CheckRule, source: String)] {
        switch self {
        case .fargate, .fargateARM64:
            [
                (
                    .defaultPlatformMissing,
                    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html"
                ),
                (
                    .mixedCompression,
                    "https://aws.amazon.com/blogs/containers/reducing-aws-fargate-startup-times-with-zstd-compressed-container-images/"
                ),
            ]
        case .lambda, .lambdaARM64:
            [
                (.defaultPlatformMissing, "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html"),
                (.indexNotSupported, "https://github.com/docker/buildx/issues/1533"),
                (.compressionNotSupported, "https://github.com/bazel-contrib/rules_oci/issues/777"),
                (.historyMissing, "https://github.com/bazel-contrib/rules_oci/issues/645"),
                (.parentDirectoryMissing, "https://github.com/opencontainers/image-spec/issues/1221"),
            ]
        case .docker20: [(.compressionNotSupported, "https://docs.docker.com/engine/release-notes/23.0/")]
        case .podman: [(.mixedMediaTypes, "https://github.com/imjasonh/kontain.me/issues/222")]
        case .quay: [(.mixedMediaTypes, "https://github.com/stackrox/stackrox/pull/19118")]
        case .artifactory: [(.historyMissing, "https://github.com/GoogleContainerTools/jib/issues/534")]
        }
    }

    /// How layers may be compressed; nil means in any way.
    var compressions: Set<LayerCompression>? {
        switch self {
        case .lambda, .lambdaARM64: [.gzip]
        case .docker20: [.gzip, .uncompressed]
        default: nil
        }
    }
}
