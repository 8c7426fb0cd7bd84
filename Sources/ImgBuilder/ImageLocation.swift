import ImgExport
public import ImgOCI
import ImgPlan
public import ImgReport

/// Some place that an image is read from.
public enum ImageLocation: Sendable, Hashable, CustomStringConvertible {
    /// A repository.
    case registry(ImageReference)
    /// An OCI layout directory.
    case layout(path: String, tag: String?, digest: Digest?)

    /// Parses `oci-layout://PATH[:TAG][@DIGEST]`, a path that begins with `/` or `.`, or a reference.
    public init(parsing text: String) throws(BuildError) {
        let prefix = "oci-layout://"
        if text.hasPrefix(prefix) || text.hasPrefix("/") || text.hasPrefix(".") {
            self = try Self.layout(String(text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : text[...]))
            return
        }
        do {
            self = .registry(try ImageReference(parsing: text))
        } catch {
            throw BuildError(.usage, error.description, hints: error.hint.map { [$0] } ?? [])
        }
    }

    private static func layout(_ text: String) throws(BuildError) -> ImageLocation {
        var path = text[...]
        var digest: Digest?
        if let at = path.lastIndex(of: "@") {
            do {
                digest = try Digest(parsing: String(path[path.index(after: at)...]))
            } catch {
                throw BuildError(.usage, "\(error)")
            }
            path = path[..<at]
        }
        var tag: String?
        if let colon = path.lastIndex(of: ":"), !path[colon...].contains("/") {
            tag = String(path[path.index(after: colon)...])
            path = path[..<colon]
        }
        return .layout(path: String(path), tag: tag, digest: digest)
    }

    /// As it is written.
    public var description: String {
        switch self {
        case .registry(let reference): reference.familiar
        case .layout(let path, let tag, let digest):
            "oci-layout://\(path)" + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
        }
    }

    var baseSource: BaseRequest.Source {
        switch self {
        case .registry(let reference): .image(reference)
        case .layout(let path, let tag, let digest): .ociLayout(path: path, tag: tag, digest: digest)
        }
    }
}

extension BuildSession {
    /// Opens a place that images are read from.
    func open(_ location: ImageLocation) async throws -> any ImageSource {
        try await ImageSources(registry: registry, pool: pool, environment: environment).open(location.baseSource)
    }
}
