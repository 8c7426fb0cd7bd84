import ImgOCI
package import ImgStore
import ImgStream
package import ImgTasks

/// Manifests and configurations of earlier runs by digest, and what tags led to when they were last asked for.
///
/// A tag is never answered from here: that it led to a document that is kept only means that a HEAD is enough (HUB-3).
package struct DocumentCache: Sendable {
    private let store: ContentStore
    private let pool: BlockingPool

    private enum Namespace: String {
        case manifests = "manifests-1"
        case configs = "configs-1"
        case tags = "tags-1"
    }

    package init(store: ContentStore, pool: BlockingPool) {
        self.store = store
        self.pool = pool
    }

    /// A manifest or index with the media type it was served with.
    func manifest(_ digest: Digest) async throws -> ImageGraph.Content? {
        guard let record = try await read(.manifests, digest.description),
            let end = record.firstIndex(of: UInt8(ascii: "\n"))
        else { return nil }
        let bytes = Array(record[(end + 1)...])
        guard Self.matches(bytes, digest) else { return nil }
        let type = MediaType(rawValue: String(decoding: record[..<end], as: UTF8.self))
        return ImageGraph.Content(
            descriptor: Descriptor(mediaType: type, digest: digest, size: Int64(bytes.count)),
            bytes: bytes
        )
    }

    func keep(manifest: ImageGraph.Content) async throws {
        let descriptor = manifest.descriptor
        let type = Array("\(descriptor.mediaType.rawValue)\n".utf8)
        try await write(.manifests, descriptor.digest.description, type + manifest.bytes)
    }

    /// A configuration.
    func config(_ descriptor: Descriptor) async throws -> [UInt8]? {
        guard let bytes = try await read(.configs, descriptor.digest.description),
            Int64(bytes.count) == descriptor.size, Self.matches(bytes, descriptor.digest)
        else { return nil }
        return bytes
    }

    func keep(config bytes: [UInt8], _ descriptor: Descriptor) async throws {
        try await write(.configs, descriptor.digest.description, bytes)
    }

    /// What a tag led to.
    func lastTarget(of tag: ImageReference) async throws -> Digest? {
        try await read(.tags, Self.key(tag)).flatMap { try? Digest(parsing: String(decoding: $0, as: UTF8.self)) }
    }

    func keep(target: Digest, of tag: ImageReference) async throws {
        try await write(.tags, Self.key(tag), Array(target.description.utf8))
    }

    private static func key(_ tag: ImageReference) -> String { "\(tag.repository):\(tag.tagOrLatest)" }

    private static func matches(_ bytes: [UInt8], _ digest: Digest) -> Bool {
        let check = DigestCheck(digest.algorithm)
        check.update(bytes)
        return check.matches(digest)
    }

    private func read(_ namespace: Namespace, _ key: String) async throws -> [UInt8]? {
        try await pool.run { [store] in store.record(namespace: namespace.rawValue, key: key) }
    }

    private func write(_ namespace: Namespace, _ key: String, _ bytes: [UInt8]) async throws {
        try await pool.run { [store] in store.setRecord(namespace: namespace.rawValue, key: key, bytes) }
    }
}
