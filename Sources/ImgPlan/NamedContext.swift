package import ImgOCI
package import ImgReport

/// The value of a `--build-context` (STG-15).
package enum NamedContext: Sendable, Hashable {
    /// A local directory.
    case directory(String)
    /// One local file.
    case file(String)
    /// `docker-image://` with a reference, unparsed.
    case image(String)
    /// `docker-image://scratch`: nothing at all.
    case scratch
    case ociLayout(path: String, tag: String?, digest: Digest?)
    case git(GitReference)

    /// Reads a value; what has no scheme and is no git reference is taken for a directory.
    package init(parsing value: String) throws(BuildError) {
        if let reference = value.suffix(after: "docker-image://") {
            self = reference == "scratch" ? .scratch : .image(reference)
        } else if let layout = value.suffix(after: "oci-layout://") {
            do {
                let place = try LayoutReference(parsing: layout)
                self = .ociLayout(path: place.path, tag: place.tag, digest: place.digest)
            } catch {
                throw BuildError(.usage, "build context \"oci-layout://\(layout)\": \(error)")
            }
        } else if let reference = try GitReference(recognising: value) {
            self = .git(reference)
        } else if value.hasPrefix("http://") || value.hasPrefix("https://") || value.hasPrefix("target:") {
            throw BuildError(
                .usage,
                // The rest of a URL may hold credentials.
                "a build context of the kind \"\(value.prefix { $0 != ":" }):\" is not supported",
                hints: ["use a directory, docker-image://, oci-layout:// or a git URL that ends in .git"]
            )
        } else {
            self = .directory(value)
        }
    }

    /// Where its image is; nil for contexts of files.
    /// - Throws: When the reference of an image is malformed.
    func imageSource() throws(BuildError) -> BaseRequest.Source? {
        switch self {
        case .image(let text):
            do {
                return .image(try ImageReference(parsing: text))
            } catch {
                throw BuildError(.usage, "build context docker-image://\(text): \(error)")
            }
        case .ociLayout(let path, let tag, let digest): return .ociLayout(path: path, tag: tag, digest: digest)
        case .directory, .file, .git, .scratch: return nil
        }
    }
}

extension String {
    fileprivate func suffix(after prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
