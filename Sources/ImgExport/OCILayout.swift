package import ImgOCI
package import ImgReport
import ImgStream

/// An OCI image layout, for reading: a directory, a tar of one, or what is seen as one (``DockerArchive``).
///
/// Blocks.
///
/// - SeeAlso: <https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md>; rules LAY-1…6 of registries.
package struct OCILayout: Sendable {
    /// The directory or archive, absolute.
    package let path: String
    /// Whether the manifests are not in the archive but made by us, for layers as they lie there.
    package let hasMadeManifests: Bool
    private let files: any LayoutFiles

    /// Documents that are larger are none.
    static let documentLimit = 8 << 20

    /// Opens a layout of version 1.
    ///
    /// An archive that is both a layout and one of Docker's is read as a layout: so it keeps its digests.
    /// - Parameter directory: Where temporary files may lie, which a compressed archive needs.
    package static func open(_ path: String, spoolingTo directory: String) throws(BuildError) -> OCILayout {
        let layout: OCILayout
        if LocalFiles.isDirectory(path) {
            layout = OCILayout(path: path, hasMadeManifests: false, files: LayoutDirectory(path: path))
        } else {
            let archive = try ArchiveFiles.open(path, spoolingTo: directory)
            let isDockers = archive.find(marker) == nil && archive.find(DockerArchive.marker) != nil
            let files: any LayoutFiles =
                isDockers ? try DockerArchive(archive, at: path, spoolingTo: directory) : archive
            layout = OCILayout(path: path, hasMadeManifests: isDockers, files: files)
        }
        try layout.checkVersion()
        return layout
    }

    private static let marker = "oci-layout"

    private func checkVersion() throws(BuildError) {
        guard let text = try document(Self.marker) else {
            throw BuildError(
                .notFound,
                "\(path) is no OCI layout: it has no file \(Self.marker)",
                hints: ["give an OCI layout, as a directory or tar, or what docker save writes"]
            )
        }
        let version = (try? JSON.parse(text))?["imageLayoutVersion"]?.stringValue
        guard let version, version.hasPrefix("1.") else {
            throw BuildError("\(path) is not an OCI layout of version 1 (oci-layout says \(version ?? "nothing"))")
        }
    }

    /// The entry of `index.json` that a digest or tag selects, else the only one (LAY-5).
    ///
    /// - Parameter tag: May be the whole name of an image as well.
    package func select(tag: String?, digest: Digest?) throws(BuildError) -> Descriptor {
        let index = try index()
        if let digest { return try entry(digest, in: index) }
        let found = tag.map { entries(named: $0, in: index) } ?? index.manifests
        if let first = found.first, Set(found.map(\.digest)).count == 1 { return first }
        let reason =
            switch (tag, found.isEmpty) {
            case (let tag?, true): "has no image \"\(tag)\""
            case (let tag?, false): "holds several images \"\(tag)\"; give the whole name of one"
            case (nil, true): "holds no image"
            case (nil, false): "holds several images; name one"
            }
        throw BuildError(.notFound, "\(path) \(reason)", notes: listing(index))
    }

    private func entries(named tag: String, in index: ImageIndex) -> [Descriptor] {
        let name = (try? ImageReference(parsing: tag))?.normalized
        func entries(_ isNamed: (String) -> Bool) -> [Descriptor] {
            index.manifests.filter { entry in
                [entry.annotations[Self.refName], entry.annotations[Self.imageName]]
                    .contains { $0.map(isNamed) ?? false }
            }
        }
        let exact = entries { $0 == tag || $0 == name }
        return exact.isEmpty ? entries { $0.hasSuffix(":" + tag) } : exact
    }

    private func index() throws(BuildError) -> ImageIndex {
        guard let bytes = try document("index.json") else {
            throw BuildError(.notFound, "\(path) has no index.json")
        }
        do {
            return try ImageIndex(parsing: bytes, mediaType: .ociIndex)
        } catch {
            throw BuildError("\(path)/index.json: \(error)")
        }
    }

    /// A digest may name something below an entry too, then its type is found in the document.
    private func entry(_ digest: Digest, in index: ImageIndex) throws(BuildError) -> Descriptor {
        guard !hasMadeManifests else {
            throw BuildError(
                .notFound,
                "\(path) has no manifests, so no image has a digest there",
                notes: listing(index),
                hints: ["name the image by its tag"]
            )
        }
        if let found = index.manifests.first(where: { $0.digest == digest }) { return found }
        let size = try blob(digest).size
        let guess = Descriptor(mediaType: MediaType(rawValue: ""), digest: digest, size: size)
        let bytes = try read(guess, limit: Self.documentLimit)
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

    private func listing(_ index: ImageIndex) -> [String] {
        index.manifests.map { entry in
            let name = entry.annotations[Self.imageName] ?? entry.annotations[Self.refName] ?? "(no name)"
            return hasMadeManifests ? name : "\(name) \(entry.digest)"
        }
    }

    package static let refName = "org.opencontainers.image.ref.name"
    package static let imageName = "io.containerd.image.name"
    static let created = "org.opencontainers.image.created"
    /// Annotations that belong to an entry of `index.json` and nowhere else (LAY-2).
    package static let entryKeys = [refName, imageName, created]

    /// What a blob is called in a layout; digests are hexadecimal only, so the name cannot lead elsewhere (SEC-10).
    static func blobName(_ digest: Digest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    /// The file of a blob, not verified.
    func blob(_ digest: Digest) throws(BuildError) -> FilePart {
        guard let part = try files.find(Self.blobName(digest)) else {
            throw BuildError(.notFound, "\(path) has no blob \(digest)")
        }
        return part
    }

    /// Reads a small blob and verifies size and digest.
    package func read(_ descriptor: Descriptor, limit: Int) throws(BuildError) -> [UInt8] {
        let part = try blob(descriptor.digest)
        guard part.size == descriptor.size else {
            throw BuildError("blob \(descriptor.digest) of \(path) has \(part.size) bytes, expected \(descriptor.size)")
        }
        let bytes = try read(part, "blob \(descriptor.digest)", limit: limit)
        let check = DigestCheck(descriptor.digest.algorithm)
        check.update(bytes)
        guard check.matches(descriptor.digest) else {
            throw BuildError("blob \(descriptor.digest) of \(path) has other content than its name says")
        }
        return bytes
    }

    private func document(_ name: String) throws(BuildError) -> [UInt8]? {
        guard let part = try files.find(name) else { return nil }
        return try read(part, name, limit: Self.documentLimit)
    }

    private func read(_ part: FilePart, _ name: String, limit: Int) throws(BuildError) -> [UInt8] {
        do throws(StreamError) {
            return try part.source.readAll(limit: limit)
        } catch {
            throw BuildError("cannot read \(name) of \(path): \(error.message)")
        }
    }
}
