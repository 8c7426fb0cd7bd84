import Glibc
package import ImgOCI
package import ImgReport
import ImgStream
package import ImgTasks

/// Writes a finished graph as an OCI image layout directory.
///
/// What is in the directory already stays; an entry of the same name is replaced (LAY-4).
package struct LayoutExporter: Sendable {
    private let path: String
    private let names: [ImageReference]
    private let pool: BlockingPool

    /// - Parameter names: One entry of `index.json` each; none gives one entry without a name.
    package init(path: String, names: [ImageReference], pool: BlockingPool) {
        self.path = path
        self.names = names
        self.pool = pool
    }

    package func export(_ graph: ImageGraph) async throws {
        guard let root = graph.root else { return }
        let (path, pool) = (path, pool)
        try await pool.run {
            for name in ["/blobs/sha256", "/blobs/sha512"] where name.hasSuffix("256") || graph.hasSHA512 {
                try LocalFiles.makeDirectory(path + name)
            }
        }
        for blob in graph.blobs { try await write(blob) }
        var documents = graph.images.map(\.manifest)
        if let index = graph.index { documents.append(index) }
        for document in documents {
            try await write(Blob(descriptor: document.descriptor, origin: .bytes(document.bytes)))
        }
        let entries = LayoutIndex.entries(root.descriptor, names: names)
        try await pool.run {
            try LocalFiles.locking(path) { () throws(BuildError) in
                try DraftFile.replace(path + "/oci-layout", with: LayoutIndex.marker)
                let index = try LayoutIndex.merged(entries, into: path + "/index.json")
                try DraftFile.replace(path + "/index.json", with: index.encoded())
            }
        }
    }

    /// Throws what a layout there would fail of, as far as it is known before there is an image; leaves no trace.
    ///
    /// Blocks.
    package static func check(_ path: String) throws(BuildError) {
        try LocalFiles.checkDirectory(path)
        _ = try LayoutIndex.merged([], into: path + "/index.json")
    }

    private func write(_ blob: Blob) async throws {
        let target = OCILayout(path: path).blobPath(blob.descriptor.digest)
        let size = blob.descriptor.size
        guard try await pool.run({ LocalFiles.size(target) }) != size else { return }
        let draft = try await pool.run { try DraftFile(path: target) }
        for try await chunk in try await ContentReading.stream(blob, pool: pool) {
            try await pool.run { try draft.write(chunk.span) }
        }
        try await pool.run { try draft.commit() }
    }
}

/// The small files of a layout.
enum LayoutIndex {
    static let marker = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)

    /// One descriptor per name, all of the same root (LAY-2).
    static func entries(_ root: Descriptor, names: [ImageReference]) -> [Descriptor] {
        guard !names.isEmpty else { return [root] }
        return names.map { name in
            var entry = root
            entry.annotations[OCILayout.imageName] = name.normalized
            entry.annotations[OCILayout.refName] = name.tagOrLatest
            return entry
        }
    }

    static func merged(_ entries: [Descriptor], into path: String) throws(BuildError) -> ImageIndex {
        var index = ImageIndex(manifests: [])
        if LocalFiles.size(path) != nil {
            let bytes = try LocalFiles.read(path, limit: 8 << 20)
            do {
                index = try ImageIndex(parsing: bytes, mediaType: .ociIndex)
            } catch {
                throw BuildError("\(path): \(error)", hints: ["write to another directory, or remove this one"])
            }
        }
        for entry in entries {
            index.manifests.removeAll { old in
                if let name = entry.annotations[OCILayout.imageName] {
                    return old.annotations[OCILayout.imageName] == name
                }
                return old.annotations[OCILayout.refName] == nil || old.digest == entry.digest
            }
            index.manifests.append(entry)
        }
        return index
    }
}

/// Opens a blob wherever it is.
enum ContentReading {
    static func stream(_ blob: Blob, pool: BlockingPool) async throws -> ContentStream {
        switch blob.origin {
        case .bytes(let bytes):
            let rest = OnePart(bytes)
            return ContentStream { rest.take() }
        case .file(let path):
            let reader = try await pool.run {
                try VerifyingFileReader(path: path, descriptor: blob.descriptor, place: "the cache")
            }
            return ContentStream { try await pool.run { try reader.next() } }
        case .source(let source): return try await source.stream(blob.descriptor)
        }
    }
}
