public import ImgOCI
import ImgPlan

/// Where machines share what they have built.
public enum CachePlace: Sendable, Hashable, CustomStringConvertible {
    /// A tag of a repository.
    case registry(ImageReference)
    /// An OCI layout directory.
    case local(path: String)

    /// As it is written.
    public var description: String {
        switch self {
        case .registry(let reference): reference.familiar
        case .local(let path): path
        }
    }

    var baseSource: BaseRequest.Source {
        switch self {
        case .registry(let reference): .image(reference.tagged)
        case .local(let path): .ociLayout(path: path, tag: nil, digest: nil)
        }
    }
}

/// A `--cache-to`.
public struct CacheTarget: Sendable, Hashable {
    /// Where the cache is written.
    public var place: CachePlace
    /// Whether a failure costs a warning only.
    public var ignoresErrors: Bool

    /// Makes a target.
    public init(_ place: CachePlace, ignoresErrors: Bool = false) {
        self.place = place
        self.ignoresErrors = ignoresErrors
    }
}
