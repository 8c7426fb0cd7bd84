package import ImgOCI
package import ImgReport

/// An image that planning must know before it can go on.
///
/// Equal requests want the same image; where it was asked for does not matter.
package struct BaseRequest: Sendable {
    /// Where an image is.
    package enum Source: Sendable, Hashable {
        case image(ImageReference)
        /// The digest selects, else the tag, else the only entry (STG-15).
        case ociLayout(path: String, tag: String?, digest: Digest?)
    }

    package var source: Source
    /// Normalised.
    package var platform: Platform
    /// The FROM or COPY that asked first.
    package var range: SourceRange?

    package init(source: Source, platform: Platform, range: SourceRange? = nil) {
        self.source = source
        self.platform = platform
        self.range = range
    }
}

extension BaseRequest: Hashable {
    package static func == (left: BaseRequest, right: BaseRequest) -> Bool {
        left.source == right.source && left.platform == right.platform
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(source)
        hasher.combine(platform)
    }
}

extension BaseRequest.Source: CustomStringConvertible {
    /// As people write it: `alpine:3`, `oci-layout://dir:tag`.
    package var description: String {
        switch self {
        case .image(let reference): reference.familiar
        case .ociLayout(let path, let tag, let digest):
            "oci-layout://\(path)" + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
        }
    }
}
