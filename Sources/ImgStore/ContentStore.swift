import Glibc
package import ImgOCI
package import ImgStream
import Synchronization

/// Blobs by digest and small records by key, shared by processes without locks (`docs/architecture.md`).
///
/// Every write is a draft and a rename. A blob was verified when it was written and is trusted while its file is as it
/// was left (``VerifiedStamp``); anything else under its name is verified again or dropped. When the directory cannot be
/// written or its file system is full, a private temporary one takes its place: a cache never fails a build.
package final class ContentStore: Sendable {
    /// False when the store will vanish with the process's temporary files.
    package let isPersistent: Bool
    /// Why ``isPersistent`` is false.
    package let degradation: String?

    let place: StorePlace
    private let spare: StoreOverflow
    private let warn: @Sendable (String) -> Void
    private let state = Mutex(State())
    /// Other processes and other builds in this one have drafts beside these.
    private let draftPrefix = "\(getpid())-\(UInt32.random(in: 0 ... .max))-"

    private struct State {
        var hasWarned = false
        var hasMadeRoom = false
        var mark: StoreMark?
    }

    private init(
        place: StorePlace,
        degradation: String?,
        fallback: String,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.place = place
        self.degradation = degradation
        self.warn = warn
        isPersistent = degradation == nil
        spare = StoreOverflow(directory: fallback)
    }

    deinit { removeTemporaryFiles() }

    /// Removes what is not in the cache itself; nothing of it may be in use any more.
    ///
    /// Blocks.
    package func removeTemporaryFiles() {
        state.withLock { $0.mark = nil }
        if !isPersistent { place.remove() }
        spare.remove()
    }

    /// Opens or creates a store.
    ///
    /// - Parameters:
    ///   - path: Absolute.
    ///   - fallback: Directory for what the cache cannot take, such as `$TMPDIR`.
    ///   - warn: Called at most once, from any thread, when a blob does not fit any more.
    /// - Throws: ``StreamError`` when neither place can be written.
    package static func open(
        at path: String,
        fallback: String,
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(StreamError) -> ContentStore {
        let wanted = StorePlace(path: path)
        let status = wanted.prepare()
        if status == 0 { return ContentStore(place: wanted, degradation: nil, fallback: fallback, warn: warn) }
        let reason = StoreFiles.describe(status)
        let temporary: StorePlace
        do throws(StreamError) {
            temporary = try StorePlace.temporary(in: fallback)
        } catch {
            throw StreamError(error.code, "cannot write \(path) (\(reason)); \(error.message)")
        }
        return ContentStore(
            place: temporary,
            degradation: "cannot write \(path): \(reason)",
            fallback: fallback,
            warn: warn
        )
    }

    /// Absolute.
    package var path: String { place.path }

    /// Keeps what is used from now on from being pruned, here and by other processes, until the store is closed.
    package func keepFromPruning() {
        let draft = "\(place.drafts)/\(draftName())"
        state.withLock { state in
            if state.mark == nil { state.mark = StoreMark.make(in: place.marks, draft: draft) }
        }
    }

    // MARK: - Blobs

    /// Where drafts and scratch files of a build may lie.
    package var scratchDirectory: String { spare.opened?.drafts ?? place.drafts }

    /// A blob that is being written.
    package func draft() throws(StreamError) -> BlobDraft {
        try BlobDraft(store: self)
    }

    /// The file of a blob that has the expected size and content; anything else under its name is dropped.
    ///
    /// Costs one look at the file's metadata, and reading the blob once after a restart or another program's change.
    package func path(of digest: Digest, size: Int64) -> String? {
        for place in [place, spare.opened].compactMap({ $0 }) {
            let file = blobPath(digest, in: place)
            guard let info = StoreFiles.regularFile(file) else { continue }
            let isRight = holds(file, info, digest, size)
            if isRight == false { unsafe unlink(file) }
            guard isRight == true else { continue }
            StoreFiles.touch(file)
            return file
        }
        return nil
    }

    /// Whether a file has the content of its name; nil when it cannot be read now.
    private func holds(_ file: String, _ info: stat, _ digest: Digest, _ size: Int64) -> Bool? {
        guard Int64(info.st_size) == size else { return false }
        if VerifiedStamp.holds(info, digest) { return true }
        guard let source = try? FileSource.open(file) else { return nil }
        let check = DigestCheck(digest.algorithm)
        while !Task.isCancelled, let chunk = try? source.readChunk(256 << 10) {
            guard chunk.isEmpty else {
                check.update(chunk)
                continue
            }
            guard check.matches(digest) else { return false }
            VerifiedStamp.set(file, digest)
            return true
        }
        return nil
    }

    /// Drops a blob that turned out to be damaged.
    package func discard(_ digest: Digest) {
        for place in [place, spare.opened].compactMap({ $0 }) { unsafe unlink(blobPath(digest, in: place)) }
    }

    func blobPath(_ digest: Digest, in place: StorePlace) -> String {
        "\(place.path)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)"
    }

    // MARK: - Full file systems

    /// Drops the older half of the cache, once; false when that freed nothing.
    func makeRoom() -> Bool {
        let isFirst = state.withLock { state in
            defer { state.hasMadeRoom = true }
            return !state.hasMadeRoom
        }
        return isFirst && prune(to: usage().total / 2, minimumAge: Self.restingAge) > 0
    }

    /// The temporary place, with a warning when it is needed for the first time.
    func overflow(because status: Int32) throws(StreamError) -> StorePlace {
        let place = try spare.open()
        let isFirst = state.withLock { state in
            defer { state.hasWarned = true }
            return !state.hasWarned
        }
        if isFirst { warn("cannot write to the cache \(path): \(StoreFiles.describe(status))") }
        return place
    }

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
        let draft = "\(path)/drafts/\(draftName())"
        guard let slash = file.lastIndex(of: "/"), StoreFiles.makeDirectory(String(file[..<slash])) == 0 else { return }
        let descriptor = unsafe Glibc.open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return }
        let content = SHA256.hash(bytes) + bytes
        let (_, status) = StoreFiles.write(descriptor, content.span)
        _ = close(descriptor)
        if unsafe status != 0 || rename(draft, file) != 0 { unsafe unlink(draft) }
    }

    private static let recordLimit = 256 << 20

    private func recordPath(_ namespace: String, _ key: String) -> String {
        let name = Hex.encode(SHA256.hash(Array(key.utf8)))
        return "\(path)/records/\(namespace)/\(name.prefix(2))/\(name)"
    }

    func draftName() -> String { "\(draftPrefix)\(UInt64.random(in: 0 ... .max))" }

    /// Removes the drafts of this store object: what still writes to them belongs to work that was given up.
    package func removeDrafts() {
        for place in [place, spare.opened].compactMap({ $0 }) {
            for draft in StoreFiles.files(below: place.drafts) {
                let name = draft.path.split(separator: "/").last ?? ""
                if name.hasPrefix(draftPrefix) { unsafe unlink(draft.path) }
            }
        }
    }
}
