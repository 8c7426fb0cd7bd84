import Glibc

extension ContentStore {
    /// What a store takes up.
    package struct Usage: Sendable, Hashable {
        /// Bytes on disk.
        package var blobs: Int64 = 0
        package var records: Int64 = 0
        package var blobCount = 0
        package var recordCount = 0

        package var total: Int64 { blobs + records }
    }

    /// What was used within so many seconds may belong to a build that runs beside this one.
    package static let restingAge: Int64 = 3600

    /// Sums up the files of the store.
    package func usage() -> Usage {
        var usage = Usage()
        for file in StoreFiles.files(below: "\(path)/blobs") {
            usage.blobs += file.size
            usage.blobCount += 1
        }
        for file in StoreFiles.files(below: "\(path)/records") {
            usage.records += file.size
            usage.recordCount += 1
        }
        return usage
    }

    /// Removes what was not used for longest until the store is small enough, and drafts that were left behind.
    ///
    /// What was used since the oldest build that runs began stays in any case (``keepFromPruning()``).
    ///
    /// - Parameters:
    ///   - limit: Bytes that may stay.
    ///   - minimumAge: Files used within this many seconds stay, whatever the limit.
    /// - Returns: Bytes that were freed.
    @discardableResult
    package func prune(to limit: Int64, minimumAge: Int64 = 0) -> Int64 {
        let now = Int64(time(nil))
        // A file that was used in the same second may be one that the build is about to use.
        let newest = min(now - minimumAge, (StoreMark.oldest(in: place.marks) ?? .max) - 1)
        var freed: Int64 = 0
        for draft in StoreFiles.files(below: place.drafts) where now - draft.used > 24 * 3600 {
            if unsafe unlink(draft.path) == 0 { freed += draft.size }
        }
        let files = StoreFiles.files(below: "\(path)/blobs") + StoreFiles.files(below: "\(path)/records")
        var total = files.reduce(0) { $0 + $1.size }
        for file in files.sorted(by: { ($0.used, $0.path) < ($1.used, $1.path) }) {
            guard total > limit, file.used <= newest else { break }
            if unsafe unlink(file.path) == 0 {
                total -= file.size
                freed += file.size
            }
        }
        return freed
    }
}
