public import ImgReport
import ImgStore
import ImgTasks

/// What the cache takes up.
public struct CacheUsage: Sendable, Hashable {
    /// Absolute.
    public var path: String
    /// Bytes of finished layers.
    public var layerBytes: Int64
    /// Number of finished layers.
    public var layers: Int
    /// Bytes of records: path indexes, keys.
    public var recordBytes: Int64
    /// Number of records.
    public var records: Int
}

extension Builder {
    /// Sums up the cache.
    public func cacheUsage() async throws(BuildError) -> CacheUsage {
        try await perform { session in
            let store = try await session.store()
            let usage = try await session.pool.run { store.usage() }
            return CacheUsage(
                path: store.path,
                layerBytes: usage.blobs,
                layers: usage.blobCount,
                recordBytes: usage.records,
                records: usage.recordCount
            )
        }
    }

    /// Removes what was not used for longest until at most `limit` bytes are left.
    ///
    /// - Returns: Bytes that were freed.
    public func pruneCache(to limit: Int64) async throws(BuildError) -> Int64 {
        try await perform { session in
            let store = try await session.store()
            return try await session.pool.run { store.prune(to: limit) }
        }
    }
}
