import Glibc
package import ImgOCI
package import ImgStream
import Synchronization

/// Blobs by digest and small records by key, shared by processes without locks (`docs/architecture.md`).
///
/// Every write is a draft and a rename. A blob was verified when it was written; a file of another size than expected is
/// dropped and counts as absent. When the directory cannot be written, a private temporary one takes its place: a
/// cache never fails a build.
package final class ContentStore: Sendable {
    /// Absolute.
    package let path: String
    /// False when the store will vanish with the process's temporary files.
    package let isPersistent: Bool
    /// Why ``isPersistent`` is false.
    package let degradation: String?

    private init(path: String, isPersistent: Bool, degradation: String?) {
        self.path = path
        self.isPersistent = isPersistent
        self.degradation = degradation
    }

    deinit {
        guard !isPersistent else { return }
        for file in StoreFiles.files(below: path) { unsafe unlink(file.path) }
        for name in ["blobs/sha256", "blobs", "drafts", ""] { unsafe rmdir("\(path)/\(name)") }
    }

    /// Opens or creates a store.
    ///
    /// - Parameters:
    ///   - path: Absolute.
    ///   - fallback: Directory for a temporary store, such as `$TMPDIR`.
    /// - Throws: ``StreamError`` when neither place can be written.
    package static func open(at path: String, fallback: String) throws(StreamError) -> ContentStore {
        let status = prepare(path)
        if status == 0 { return ContentStore(path: path, isPersistent: true, degradation: nil) }
        let reason = unsafe String(cString: strerror(status))
        let temporary = "\(fallback)/imgbuild-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let second = prepare(temporary)
        guard second == 0 else { throw .io(second, "cannot write \(path) (\(reason)) nor \(temporary)") }
        return ContentStore(path: temporary, isPersistent: false, degradation: "cannot write \(path): \(reason)")
    }

    private static func prepare(_ path: String) -> Int32 {
        for name in ["blobs/sha256", "drafts"] {
            let status = StoreFiles.makeDirectory("\(path)/\(name)")
            guard status == 0 else { return status }
        }
        return unsafe access("\(path)/drafts", W_OK) == 0 ? 0 : errno
    }

    // MARK: - Blobs

    /// Where drafts and scratch files of a build may lie.
    package var scratchDirectory: String { "\(path)/drafts" }

    /// A blob that is being written.
    package func draft() throws(StreamError) -> BlobDraft {
        try BlobDraft(store: self)
    }

    /// The file of a blob that has the expected size; anything else under its name is dropped.
    package func path(of digest: Digest, size: Int64) -> String? {
        let file = blobPath(digest)
        guard let actual = StoreFiles.size(file) else { return nil }
        guard actual == size else {
            unsafe unlink(file)
            return nil
        }
        StoreFiles.touch(file)
        return file
    }

    /// Drops a blob that turned out to be damaged.
    package func discard(_ digest: Digest) { unsafe unlink(blobPath(digest)) }

    func blobPath(_ digest: Digest) -> String { "\(path)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    // MARK: - Records

    /// The bytes kept under a key; nil when there are none.
    package func record(namespace: String, key: String) -> [UInt8]? {
        let file = recordPath(namespace, key)
        guard let stored = StoreFiles.read(file, limit: Self.recordLimit), stored.count >= 32 else { return nil }
        let content = Array(stored[32...])
        // Half-written and damaged records count as absent.
        guard SHA256.hash(content).elementsEqual(stored[..<32]) else {
            unsafe unlink(file)
            return nil
        }
        StoreFiles.touch(file)
        return content
    }

    /// Keeps bytes under a key; a failure is as if it had been pruned at once.
    package func setRecord(namespace: String, key: String, _ bytes: [UInt8]) {
        let file = recordPath(namespace, key)
        let draft = "\(path)/drafts/\(Self.draftName())"
        guard let slash = file.lastIndex(of: "/"), StoreFiles.makeDirectory(String(file[..<slash])) == 0 else { return }
        let descriptor = unsafe Glibc.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        let content = SHA256.hash(bytes) + bytes
        let status = StoreFiles.write(descriptor, content.span)
        _ = close(descriptor)
        if unsafe status != 0 || rename(draft, file) != 0 { unsafe unlink(draft) }
    }

    private static let recordLimit = 256 << 20

    private func recordPath(_ namespace: String, _ key: String) -> String {
        let name = Hex.encode(SHA256.hash(Array(key.utf8)))
        return "\(path)/records/\(namespace)/\(name.prefix(2))/\(name)"
    }

    static func draftName() -> String { "\(getpid())-\(UInt64.random(in: 0 ... .max))" }
}

/// A blob on its way into the store; discarded unless it is committed.
package final class BlobDraft: ByteSink {
    private let store: ContentStore
    private let path: String
    private var descriptor: Int32

    init(store: ContentStore) throws(StreamError) {
        self.store = store
        path = "\(store.scratchDirectory)/\(ContentStore.draftName())"
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .io(errno, "cannot write to the cache \(store.path)") }
    }

    deinit {
        guard descriptor >= 0 else { return }
        _ = close(descriptor)
        unsafe unlink(path)
    }

    package func write(_ bytes: Span<UInt8>) throws(StreamError) {
        let status = StoreFiles.write(descriptor, bytes)
        guard status == 0 else { throw .io(status, "cannot write to the cache \(store.path)") }
    }

    /// Gives the blob its name; the caller has computed the digest over everything that was written.
    ///
    /// - Returns: The blob's file.
    package func commit(as digest: Digest) throws(StreamError) -> String {
        let target = store.blobPath(digest)
        _ = close(descriptor)
        descriptor = -1
        guard unsafe rename(path, target) == 0 else {
            let status = errno
            unsafe unlink(path)
            throw .io(status, "cannot write to the cache \(store.path)")
        }
        return target
    }
}
