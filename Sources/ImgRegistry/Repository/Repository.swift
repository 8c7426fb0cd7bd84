import ImgCredentials
package import ImgOCI
import ImgReport
import ImgTasks

/// A repository of a registry: manifests, blobs, tags and referrers.
///
/// Made by ``RegistryClient/repository(_:for:)``. All methods may be called from any number of tasks.
package final class Repository: Sendable {
    let session: Session
    /// Manifest PUTs of one repository go one after the other (PUSH-33).
    let manifestTurn = Limiter(limit: 1)

    init(session: Session) {
        self.session = session
    }

    /// The registry as users write it: `docker.io`.
    package var host: String { session.host.name }
    /// The path at the registry: `library/alpine`.
    package var path: String { session.path }
    /// `docker.io/library/alpine`.
    package var name: String { session.place }
    /// Whether manifests had better not be fetched without need: it counts towards a pull limit (HUB-3).
    package var countsManifestReads: Bool { session.host.quirks.countsManifestReads }

    var client: RegistryClient { session.client }
}

/// What stands behind `manifests/` in a URL.
package enum ManifestSelector: Hashable, Sendable, CustomStringConvertible {
    case tag(String)
    case digest(Digest)

    /// The digest of a reference, else its tag (REF-9).
    package init(_ reference: ImageReference) {
        self = reference.digest.map(ManifestSelector.digest) ?? .tag(reference.tagOrLatest)
    }

    /// The tag or digest.
    package var description: String {
        switch self {
        case .tag(let tag): tag
        case .digest(let digest): digest.description
        }
    }

    var isTag: Bool { if case .tag = self { true } else { false } }

    var phrase: String {
        switch self {
        case .tag(let tag): "tag \(tag)"
        case .digest(let digest): "manifest \(digest)"
        }
    }
}

/// A manifest or index as it was received: the bytes are those that the digest is of.
package struct FetchedManifest: Hashable, Sendable {
    /// Media type as decided by PULL-5, computed digest, size.
    package var descriptor: Descriptor
    package var bytes: [UInt8]
}
