import ImgExport
public import ImgOCI
import ImgPlan
public import ImgReport

/// Some place that an image is read from.
public enum ImageLocation: Sendable, Hashable, CustomStringConvertible {
    /// A repository.
    case registry(ImageReference)
    /// An OCI layout, which is a directory or a tar, or an archive that `docker save` wrote.
    case layout(path: String, tag: String?, digest: Digest?)

    /// Parses `oci-layout://PATH[:TAG][@DIGEST]`, a path that begins with `/` or `.` or is that of a tar, or a reference.
    ///
    /// Of an archive, TAG may be the whole name of an image.
    public init(parsing text: String) throws(BuildError) {
        let prefix = "oci-layout://"
        if text.hasPrefix(prefix) || text.hasPrefix("/") || text.hasPrefix(".") {
            self = try Self.layout(String(text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : text[...]))
            return
        }
        do {
            let reference = try ImageReference(parsing: text)
            // A tag may end so as well.
            let isFile = LayoutReference.isArchive(text) && reference.tag == nil && reference.digest == nil
            self = isFile ? .layout(path: text, tag: nil, digest: nil) : .registry(reference)
        } catch {
            // Not every name of a file could be one of an image.
            guard LayoutReference.isArchive(text), !text.contains("://") else {
                throw BuildError(.usage, error.description, hints: error.hint.map { [$0] } ?? [])
            }
            self = .layout(path: text, tag: nil, digest: nil)
        }
    }

    private static func layout(_ text: String) throws(BuildError) -> ImageLocation {
        do {
            let place = try LayoutReference(parsing: text)
            return .layout(path: place.path, tag: place.tag, digest: place.digest)
        } catch {
            throw BuildError(.usage, "\(error)")
        }
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
        try await ImageSources(session: self).open(location.baseSource)
    }
}
