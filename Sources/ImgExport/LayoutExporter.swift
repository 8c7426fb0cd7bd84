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
    private let tag: String?
    private let pool: BlockingPool

    /// - Parameters:
    ///   - names: One entry of `index.json` each.
    ///   - tag: Names the one entry where there are no names; nil leaves it as it is at the source.
    package init(path: String, names: [ImageReference], tag: String? = nil, pool: BlockingPool) {
        self.path = path
        self.names = names
        self.tag = tag
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
        for document in graph.documents {
            try await write(Blob(descriptor: document.descriptor, origin: .bytes(document.bytes)))
        }
        let created = try await graph.created()
        let entries = LayoutIndex.entries(root.descriptor, names: names, tag: tag, created: created)
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
        let target = "\(path)/\(OCILayout.blobName(blob.descriptor.digest))"
        let (descriptor, path) = (blob.descriptor, path)
        guard try await pool.run({ !Self.holds(descriptor, target, path) }) else { return }
        let draft = try await pool.run { try DraftFile(path: target) }
        for try await chunk in try await ContentReading.stream(blob, pool: pool) {
            try await pool.run { try draft.write(chunk.span) }
        }
        try await pool.run { try draft.commit() }
    }

    /// Whether a blob is there whole: after a crash a file may have its size and not its content.
    private static func holds(_ descriptor: Descriptor, _ target: String, _ path: String) -> Bool {
        guard LocalFiles.size(target) == descriptor.size,
            let reader = try? VerifyingFileReader(path: target, descriptor: descriptor, place: path)
        else { return false }
        do {
            while try reader.next() != nil {}
            return true
        } catch {
            return false
        }
    }
}

/// The small files of a layout.
enum LayoutIndex {
    static let marker = Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)

    /// One descriptor per name, all of the same root (LAY-2).
    static func entries(_ root: Descriptor, names: [ImageReference], tag: String?, created: String?) -> [Descriptor] {
        var root = root
        if root.annotations[OCILayout.created] == nil { root.annotations[OCILayout.created] = created }
        guard names.isEmpty else {
            return names.map { name in
                var entry = root
                entry.annotations[OCILayout.imageName] = name.normalized
                entry.annotations[OCILayout.refName] = name.tagOrLatest
                return entry
            }
        }
        if let tag {
            // The name that the source's entry has says another tag.
            root.annotations[OCILayout.imageName] = nil
            root.annotations[OCILayout.refName] = tag
        }
        return [root]
    }

    static func merged(_ entries: [Descriptor], into path: String) throws(BuildError) -> ImageIndex {
        var index = ImageIndex(manifests: [])
        if LocalFiles.size(path) != nil {
            let bytes = try LocalFiles.read(path, limit: OCILayout.documentLimit)
            do {
                index = try ImageIndex(parsing: bytes, mediaType: .ociIndex)
            } catch {
                throw BuildError("\(path): \(error)", hints: ["write to another directory, or remove this one"])
            }
        }
        for entry in entries {
            index.manifests.removeAll { isReplaced($0, by: entry) }
            index.manifests.append(entry)
        }
        return index
    }

    /// Whether two entries have one name: that of the image, or where one of them has none, the tag (LAY-4).
    private static func isReplaced(_ old: Descriptor, by new: Descriptor) -> Bool {
        let (oldName, newName) = (old.annotations[OCILayout.imageName], new.annotations[OCILayout.imageName])
        if let oldName, let newName { return oldName == newName }
        let (oldTag, newTag) = (old.annotations[OCILayout.refName], new.annotations[OCILayout.refName])
        guard newName == nil, newTag == nil else { return oldTag != nil && oldTag == newTag }
        return oldTag == nil || old.digest == new.digest
    }
}

extension ImageGraph {
    /// When the image was made, as its configuration says; of several, the first.
    func created() async throws -> String? {
        guard let config = images.first?.config, config.descriptor.mediaType.isImageConfig else { return nil }
        let bytes: [UInt8]
        switch config.origin {
        case .bytes(let held): bytes = held
        case .source(let source): bytes = try await source.blob(config.descriptor, limit: OCILayout.documentLimit)
        case .file: return nil
        }
        return try ImageConfig(parsing: bytes).created
    }
}

/// Opens a blob wherever it is.
package enum ContentReading {
    package static func stream(_ blob: Blob, pool: BlockingPool) async throws -> ContentStream {
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
