package import ImgOCI
package import ImgReport
import ImgStream

/// An OCI image layout directory, for reading.
///
/// - SeeAlso: <https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>; rules LAY-1…6 of registries.
package struct OCILayout: Sendable, Hashable {
    /// The directory, absolute.
    package let path: String

    /// Opens a layout of version 1.
    package static func open(_ path: String) throws(BuildError) -> OCILayout {
        let layout = OCILayout(path: path)
        let marker = try LocalFiles.read(path + "/oci-layout", limit: 4096)
        let version = (try? JSON.parse(marker))?["imageLayoutVersion"]?.stringValue
        guard let version, version.hasPrefix("1.") else {
            throw BuildError("\(path) is not an OCI layout of version 1 (oci-layout says \(version ?? "nothing"))")
        }
        return layout
    }

    /// The entry of `index.json` that a digest or tag selects, else the only one (LAY-5).
    package func select(tag: String?, digest: Digest?) throws(BuildError) -> Descriptor {
        let index: ImageIndex
        do {
            index = try ImageIndex(parsing: LocalFiles.read(path + "/index.json", limit: 8 << 20), mediaType: .ociIndex)
        } catch let error as OCIError {
            throw BuildError("\(path)/index.json: \(error)")
        } catch let error as BuildError {
            throw error
        } catch {
            throw BuildError("\(path)/index.json: \(error)")
        }
        if let digest { return try entry(digest, in: index) }
        if let tag {
            let named = index.manifests.filter { entry in
                let names = [entry.annotations[Self.refName], entry.annotations[Self.imageName]].compactMap(\.self)
                return names.contains { $0 == tag || $0.hasSuffix(":" + tag) }
            }
            if let first = named.first { return first }
            throw BuildError(.notFound, "\(path) has no image \"\(tag)\"", notes: Self.listing(index))
        }
        let distinct = Set(index.manifests.map(\.digest))
        guard let first = index.manifests.first, distinct.count == 1 else {
            throw BuildError(
                .notFound,
                index.manifests.isEmpty ? "\(path) holds no image" : "\(path) holds several images; name one",
                notes: Self.listing(index)
            )
        }
        return first
    }

    /// A digest may name something below an entry too, then its type is found in the document.
    private func entry(_ digest: Digest, in index: ImageIndex) throws(BuildError) -> Descriptor {
        if let found = index.manifests.first(where: { $0.digest == digest }) { return found }
        guard let size = LocalFiles.size(blobPath(digest)) else {
            throw BuildError(.notFound, "\(path) has no blob \(digest)")
        }
        let guess = Descriptor(mediaType: MediaType(rawValue: ""), digest: digest, size: size)
        let bytes = try read(guess, limit: 8 << 20)
        do {
            return Descriptor(
                mediaType: try ManifestDocument(parsing: bytes, mediaType: nil).mediaType,
                digest: digest,
                size: size
            )
        } catch {
            throw BuildError("\(path), \(digest): \(error)")
        }
    }

    private static func listing(_ index: ImageIndex) -> [String] {
        index.manifests.map { entry in
            let name = entry.annotations[refName] ?? entry.annotations[imageName] ?? "(no name)"
            return "\(name) \(entry.digest)"
        }
    }

    package static let refName = "org.opencontainers.image.ref.name"
    package static let imageName = "io.containerd.image.name"
    static let created = "org.opencontainers.image.created"
    /// Annotations that belong to an entry of `index.json` and nowhere else (LAY-2).
    package static let entryKeys = [refName, imageName, created]

    /// Where a blob lies; digests are hexadecimal only, so the name cannot lead elsewhere (SEC-10).
    package func blobPath(_ digest: Digest) -> String { "\(path)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    /// Reads a small blob and verifies size and digest.
    package func read(_ descriptor: Descriptor, limit: Int) throws(BuildError) -> [UInt8] {
        guard LocalFiles.size(blobPath(descriptor.digest)) != nil else {
            throw BuildError(.notFound, "\(path) has no blob \(descriptor.digest)")
        }
        let bytes = try LocalFiles.read(blobPath(descriptor.digest), limit: limit, followsLinks: false)
        guard Int64(bytes.count) == descriptor.size else {
            throw BuildError(
                "blob \(descriptor.digest) of \(path) has \(bytes.count) bytes, expected \(descriptor.size)"
            )
        }
        let check = DigestCheck(descriptor.digest.algorithm)
        check.update(bytes)
        guard check.matches(descriptor.digest) else {
            throw BuildError("blob \(descriptor.digest) of \(path) has other content than its name says")
        }
        return bytes
    }
}
