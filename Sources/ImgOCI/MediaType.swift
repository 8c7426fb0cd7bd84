/// A media type of the registry world, with the questions that are asked of one.
///
/// Unknown types are kept as they are: they travel through a copy unchanged.
/// - SeeAlso: <https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md>
public struct MediaType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The type as it stands in a descriptor, without parameters.
    public let rawValue: String

    /// Adopts a type as it is written.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The type as written.
    public var description: String { rawValue }
}

extension MediaType {
    /// An index of images in the OCI family.
    public static let ociIndex = MediaType(rawValue: "application/vnd.oci.image.index.v1+json")
    /// A manifest in the OCI family.
    public static let ociManifest = MediaType(rawValue: "application/vnd.oci.image.manifest.v1+json")
    /// An image configuration in the OCI family.
    public static let ociConfig = MediaType(rawValue: "application/vnd.oci.image.config.v1+json")
    /// An uncompressed layer.
    public static let ociLayerTar = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar")
    /// A layer compressed with gzip.
    public static let ociLayerGzip = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+gzip")
    /// A layer compressed with zstd; not every consumer reads it (RUN-4).
    public static let ociLayerZstd = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+zstd")
    /// The two bytes `{}` that stand for no configuration (MT-24).
    public static let ociEmpty = MediaType(rawValue: "application/vnd.oci.empty.v1+json")
    /// Docker's index.
    public static let dockerManifestList = MediaType(
        rawValue: "application/vnd.docker.distribution.manifest.list.v2+json"
    )
    /// Docker's manifest, schema 2.
    public static let dockerManifest = MediaType(rawValue: "application/vnd.docker.distribution.manifest.v2+json")
    /// Docker's image configuration.
    public static let dockerConfig = MediaType(rawValue: "application/vnd.docker.container.image.v1+json")
    /// Docker's uncompressed layer.
    public static let dockerLayerTar = MediaType(rawValue: "application/vnd.docker.image.rootfs.diff.tar")
    /// Docker's layer compressed with gzip.
    public static let dockerLayerGzip = MediaType(rawValue: "application/vnd.docker.image.rootfs.diff.tar.gzip")
    static let dockerForeignLayer = MediaType(rawValue: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")

    /// An index or a manifest list.
    public var isIndex: Bool { self == .ociIndex || self == .dockerManifestList }

    /// A manifest of one image or artifact.
    public var isManifest: Bool { self == .ociManifest || self == .dockerManifest }

    /// A configuration of a runnable image.
    public var isImageConfig: Bool { self == .ociConfig || self == .dockerConfig }

    /// Belongs to Docker's schema 2 family, which has no annotations and no zstd.
    public var isDocker: Bool { rawValue.hasPrefix("application/vnd.docker.") }

    /// A layer whose bytes live elsewhere by licence (PULL-21).
    package var isForeignLayer: Bool {
        self == .dockerForeignLayer || rawValue.hasPrefix("application/vnd.oci.image.layer.nondistributable.v1.tar")
    }

    /// A root file system layer, whatever its compression.
    public var isLayer: Bool { layerCompression != nil }

    /// How a layer of this type is compressed; nil for anything that isn't a layer.
    public var layerCompression: LayerCompression? {
        switch self {
        case .ociLayerTar, .dockerLayerTar: return .uncompressed
        case .ociLayerGzip, .dockerLayerGzip, .dockerForeignLayer: return .gzip
        case .ociLayerZstd: return .zstd
        default: break
        }
        switch rawValue {
        case "application/vnd.oci.image.layer.nondistributable.v1.tar": return .uncompressed
        case "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": return .gzip
        case "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": return .zstd
        case "application/vnd.docker.image.rootfs.diff.tar.zstd": return .zstd
        default: return nil
        }
    }

    /// The same role in the OCI family; the blob itself does not change (MT-3).
    public var ociEquivalent: MediaType {
        switch self {
        case .dockerManifestList: .ociIndex
        case .dockerManifest: .ociManifest
        case .dockerConfig: .ociConfig
        case .dockerLayerTar: .ociLayerTar
        case .dockerLayerGzip: .ociLayerGzip
        default: rawValue == "application/vnd.docker.image.rootfs.diff.tar.zstd" ? .ociLayerZstd : self
        }
    }

    /// The same role in Docker's schema 2; nil where that family has none (MT-1).
    public var dockerEquivalent: MediaType? {
        switch self {
        case .ociIndex, .dockerManifestList: .dockerManifestList
        case .ociManifest, .dockerManifest: .dockerManifest
        case .ociConfig, .dockerConfig: .dockerConfig
        case .ociLayerTar, .dockerLayerTar: .dockerLayerTar
        case .ociLayerGzip, .dockerLayerGzip: .dockerLayerGzip
        default: nil
        }
    }

    /// The OCI layer type for a compression.
    public static func ociLayer(_ compression: LayerCompression) -> MediaType {
        switch compression {
        case .uncompressed: .ociLayerTar
        case .gzip: .ociLayerGzip
        case .zstd: .ociLayerZstd
        }
    }
}

/// How the tar of a layer is compressed; raw values as in `--output compression=`.
public enum LayerCompression: String, Hashable, Sendable, CaseIterable {
    case uncompressed
    case gzip
    case zstd
}
