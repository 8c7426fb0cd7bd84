package import ImgOCI

/// An image in an OCI layout or archive, as it is written: `PATH[:TAG][@DIGEST]`.
package struct LayoutReference: Sendable {
    package var path: String
    /// A tag, or of an archive the whole name of an image.
    package var tag: String?
    package var digest: Digest?

    /// What the names of archives end in; after it and a colon everything is the name of an image, which may have slashes
    /// and colons of its own.
    private static let archiveEndings = [".tar", ".tar.gz", ".tgz"]

    /// Whether a name is that of an archive.
    package static func isArchive(_ name: String) -> Bool { archiveEndings.contains { name.hasSuffix($0) } }

    package init(parsing text: String) throws(DigestError) {
        var rest = text[...]
        if let at = rest.lastIndex(of: "@") {
            digest = try Digest(parsing: String(rest[rest.index(after: at)...]))
            rest = rest[..<at]
        }
        if let colon = Self.separator(in: rest) {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        path = String(rest)
    }

    private static func separator(in text: Substring) -> Substring.Index? {
        let ends = archiveEndings.compactMap { text.firstRange(of: $0 + ":")?.upperBound }
        if let end = ends.min() { return text.index(before: end) }
        guard let colon = text.lastIndex(of: ":"), !text[colon...].contains("/") else { return nil }
        return colon
    }
}
