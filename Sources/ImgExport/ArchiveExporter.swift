package import ImgOCI
package import ImgReport
import ImgStream
package import ImgTasks

/// Writes a finished graph as a tar: an OCI layout, or the hybrid that `docker load` reads (ARC-1 of local forms).
package struct ArchiveExporter: Sendable {
    /// Which files make the archive.
    package enum Form: Sendable {
        case ociLayout
        /// A single platform; `manifest.json` beside the layout.
        case docker
    }

    private let path: String
    private let form: Form
    private let names: [ImageReference]
    private let tag: String?
    private let pool: BlockingPool

    /// - Parameters:
    ///   - path: `-` is standard output.
    ///   - names: One entry of `index.json` each.
    ///   - tag: Names the one entry where there are no names; nil leaves it as it is at the source.
    package init(path: String, form: Form, names: [ImageReference], tag: String? = nil, pool: BlockingPool) {
        self.path = path
        self.form = form
        self.names = names
        self.tag = tag
        self.pool = pool
    }

    /// Blobs come first in the order of their digests, then the small files; times are 0, owners are root (LAY-1).
    package func export(_ graph: ImageGraph) async throws {
        guard let root = graph.root else { return }
        let blobs =
            (graph.blobs + graph.documents.map { Blob(descriptor: $0.descriptor, origin: .bytes($0.bytes)) })
            .sorted { $0.descriptor.digest < $1.descriptor.digest }
        var files: [(name: String, bytes: [UInt8])] = []
        if case .docker = form { files.append(("manifest.json", try dockerManifest(graph))) }
        let created = try await graph.created()
        let entries = LayoutIndex.entries(root.descriptor, names: names, tag: tag, created: created)
        let index = ImageIndex(manifests: entries)
        files += [("oci-layout", LayoutIndex.marker), ("index.json", index.encoded())]

        let (path, pool) = (path, pool)
        let writer = try await pool.run { try ArchiveFile(path: path) }
        try await pool.run {
            try writer.directory("blobs")
            try writer.directory("blobs/sha256")
        }
        for blob in blobs {
            let digest = blob.descriptor.digest
            let size = blob.descriptor.size
            try await pool.run { try writer.begin(OCILayout.blobName(digest), size: size) }
            for try await chunk in try await ContentReading.stream(blob, pool: pool) {
                try await pool.run { try writer.content(chunk) }
            }
        }
        let rest = files
        try await pool.run {
            for file in rest {
                try writer.begin(file.name, size: Int64(file.bytes.count))
                try writer.content(file.bytes)
            }
            try writer.finish()
        }
    }

    /// The refusal of an image that `docker load` could not take.
    package static func tooManyPlatforms(_ count: Int) -> BuildError {
        BuildError(
            .usage,
            "a docker archive holds one platform, this image has \(count)",
            hints: ["choose one with --platform, or write --output type=oci"]
        )
    }

    private func dockerManifest(_ graph: ImageGraph) throws -> [UInt8] {
        guard graph.images.count == 1, let image = graph.images.first else {
            throw Self.tooManyPlatforms(graph.images.count)
        }
        var object = JSONObject()
        object["Config"] = .string(OCILayout.blobName(image.config.descriptor.digest))
        object["RepoTags"] = names.isEmpty ? .null : .strings(names.map(\.familiar))
        object["Layers"] = .strings(image.layers.map { OCILayout.blobName($0.descriptor.digest) })
        return JSON.array([.object(object)]).encoded()
    }
}
