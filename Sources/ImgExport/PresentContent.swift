import ImgOCI

/// What a repository was seen to hold when a push to it began: documents that it served, and the blobs that manifests list.
///
/// That a manifest is served says that its blobs are there as far as a registry keeps its own promises: it refuses a
/// manifest with parts that it does not have (PUSH-34), and collects no blob that a manifest refers to. Neither is
/// promised for the manifests that an index lists, so each of those counts only when it was asked for itself, and
/// neither says anything about other repositories. Somebody who deletes blobs by hand, or a damaged storage, breaks the
/// promise: `--verify=blobs` relies on nothing here and asks for every blob.
struct PresentContent: Sendable {
    private var documents: Set<Digest> = []
    private var sizes: [Digest: Int64] = [:]

    /// Adds a manifest or index that the repository has just served or confirmed.
    mutating func insert(_ content: ImageGraph.Content) {
        documents.insert(content.descriptor.digest)
        guard
            let manifest = try? ImageManifest(parsing: content.bytes, mediaType: content.descriptor.mediaType)
        else { return }
        for part in [manifest.config] + manifest.layers where !part.mediaType.isForeignLayer {
            sizes[part.digest] = part.size
        }
    }

    func hasDocument(_ digest: Digest) -> Bool { documents.contains(digest) }

    func hasBlob(_ descriptor: Descriptor) -> Bool { sizes[descriptor.digest] == descriptor.size }
}
