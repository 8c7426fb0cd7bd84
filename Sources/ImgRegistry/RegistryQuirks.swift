import ImgCredentials
import ImgOCI

/// How a blob's bytes are sent (11.4).
enum UploadMethod: String, Hashable, Sendable {
    /// One PUT with the whole body (PUSH-20).
    case whole = "A"
    /// One PATCH with the whole body, then an empty PUT (PUSH-21).
    case patch = "B"
    /// PATCHes of limited size, the last part in the PUT (PUSH-23).
    case chunks = "D"
}

/// What is known about a registry before it answers: start values that its replies correct.
///
/// One row for each product, found by host name (REG-10).
struct RegistryQuirks: Sendable {
    /// The product, for messages and hints.
    enum Product: String, Sendable {
        case dockerHub = "Docker Hub"
        case ecr = "Amazon ECR"
        case ecrPublic = "Amazon ECR Public"
        case ghcr = "GitHub Container Registry"
        case artifactRegistry = "Google Artifact Registry"
        case acr = "Azure Container Registry"
        case quay = "Quay"
        case gitlab = "GitLab"
        case unknown = "registry"
    }

    var product: Product
    /// Exact names, or suffixes that begin with a dot.
    var hosts: [String] = []
    var methods: [UploadMethod] = [.whole, .patch, .chunks]
    /// Bytes of a chunk in ``UploadMethod/chunks``; 8 MiB suits every known limit.
    var chunkSize: Int64 = 8 << 20
    /// Whether a blob may be begun before it is whole, which needs several parts: `.chunks` where it is no last resort.
    var takesEarlyUploads = true
    /// Whether `?mount=` has ever been seen to work.
    var mounts = true
    /// Basic credentials are sent with the first request already (ECR-20).
    var sendsBasicAtOnce = false
    /// The `Range` of a chunk's reply may stay behind although the bytes are stored (ECR-31).
    var trustsOwnOffset = false
    /// The user that stands for an identity token in the GET form (AUTH-19).
    var identityTokenUser: String?
    /// Least time between two manifest PUTs (PUSH-33).
    var manifestInterval: Duration = .zero
    /// Whether the GET of a manifest counts towards a pull limit; a HEAD does not (HUB-3).
    var countsManifestReads = false
    /// Path components beyond which a name is refused before anything is sent (HUB-9).
    var maxPathComponents: Int?

    private static let ecr = RegistryQuirks(
        product: .ecr,
        takesEarlyUploads: false,
        sendsBasicAtOnce: true,
        trustsOwnOffset: true,
        manifestInterval: .milliseconds(125)
    )
    private static let ecrPublic = RegistryQuirks(product: .ecrPublic, takesEarlyUploads: false, mounts: false)

    private static let rows: [RegistryQuirks] = [
        RegistryQuirks(
            product: .dockerHub,
            hosts: ["docker.io", "index.docker.io", "registry-1.docker.io"],
            countsManifestReads: true,
            maxPathComponents: 2
        ),
        RegistryQuirks(product: .ghcr, hosts: ["ghcr.io"], methods: [.whole, .patch], takesEarlyUploads: false),
        RegistryQuirks(
            product: .artifactRegistry,
            hosts: [".pkg.dev", "gcr.io", ".gcr.io"],
            methods: [.whole, .patch],
            takesEarlyUploads: false,
            mounts: false
        ),
        RegistryQuirks(
            product: .acr,
            hosts: [".azurecr.io", ".azurecr.cn", ".azurecr.us"],
            methods: [.whole, .chunks],
            identityTokenUser: "00000000-0000-0000-0000-000000000000"
        ),
        RegistryQuirks(product: .quay, hosts: ["quay.io"]),
        RegistryQuirks(product: .gitlab, hosts: ["registry.gitlab.com"]),
    ]

    /// The row of a host; plain defaults when none matches.
    static func of(host: String) -> RegistryQuirks {
        // Whose names only their parser knows: it decides about AWS credentials, too.
        if let registry = ECRRegistry(host: host) { return registry.isPublic ? ecrPublic : ecr }
        let name = Authority(host).host
        return rows.first { row in
            row.hosts.contains { $0.hasPrefix(".") ? name.hasSuffix($0) : name == $0 }
        } ?? RegistryQuirks(product: .unknown)
    }
}
