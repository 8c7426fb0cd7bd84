import Glibc
package import ImgOCI
package import ImgStream

/// A blob on its way into the store; discarded unless it is committed.
///
/// When the cache's file system is full or fails, what was written so far moves to the temporary directory and writing
/// goes on there.
package final class BlobDraft: ByteSink {
    private let store: ContentStore
    private var place: StorePlace
    private var path: String
    /// -1 once it is closed.
    var descriptor: Int32
    private var count: Int64 = 0
    /// Shows what is written to others meanwhile.
    private var shown: GrowingFile?

    init(store: ContentStore) throws(StreamError) {
        self.store = store
        place = store.place
        path = ""
        descriptor = -1
        let status = open(in: store.place)
        if status != 0 { try leave(because: status) }
    }

    deinit { discard() }

    /// Shows the file while it is written, until it is whole, discarded, or has to move.
    package func show(to file: GrowingFile) {
        shown = file
        file.show(descriptor)
    }

    package func write(_ bytes: Span<UInt8>) throws(StreamError) {
        try writeAll(bytes)
        shown?.grow(to: count)
    }

    private func writeAll(_ bytes: Span<UInt8>) throws(StreamError) {
        var rest = bytes
        while true {
            let (done, status) = StoreFiles.write(descriptor, rest)
            count += Int64(done)
            guard status != 0 else { return }
            rest = rest.extracting(droppingFirst: done)
            let isFull = status == ENOSPC || status == EDQUOT
            if isFull, place.path == store.path, store.makeRoom() { continue }
            try leave(because: status)
        }
    }

    /// Gives the blob its name; the caller has computed the digest over everything that was written.
    ///
    /// - Returns: The blob's file.
    package func commit(as digest: Digest) throws(StreamError) -> String {
        shown?.end()
        try finish(as: digest)
        var target = store.blobPath(digest, in: place)
        if unsafe rename(path, target) != 0 {
            try leave(because: errno)
            try finish(as: digest)
            target = store.blobPath(digest, in: place)
            guard unsafe rename(path, target) == 0 else { throw .io(errno, "cannot write to \(place.path)") }
        }
        _ = close(descriptor)
        descriptor = -1
        return target
    }

    /// Marks the file as verified, if all of it is there.
    private func finish(as digest: Digest) throws(StreamError) {
        let status = StoreFiles.settle(descriptor)
        guard status == 0 else { throw .io(status, "cannot write to \(place.path)") }
        VerifiedStamp.set(descriptor, digest)
    }

    private func open(in place: StorePlace) -> Int32 {
        path = "\(place.drafts)/\(store.draftName())"
        descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        return descriptor >= 0 ? 0 : errno
    }

    private func discard() {
        shown?.end()
        guard descriptor >= 0 else { return }
        _ = close(descriptor)
        unsafe unlink(path)
        descriptor = -1
    }

    /// Moves to the temporary place; an error there, or of the temporary place itself, is final.
    private func leave(because status: Int32) throws(StreamError) {
        shown?.end()
        guard place.path == store.path else { throw .io(status, "cannot write to \(place.path)") }
        let (old, oldPath) = (descriptor, path)
        defer {
            if old >= 0 {
                _ = close(old)
                unsafe unlink(oldPath)
            }
        }
        descriptor = -1
        place = try store.overflow(because: status)
        let opened = open(in: place)
        guard opened == 0 else { throw .io(opened, "cannot write to \(place.path)") }
        let copied = old >= 0 ? StoreFiles.copy(from: old, to: descriptor, count: count) : 0
        guard copied == 0 else { throw .io(copied, "cannot write to \(place.path)") }
    }
}
