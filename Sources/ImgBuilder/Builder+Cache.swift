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

    /// Makes it from its parts, as tests without a builder need it.
    public init(path: String, layerBytes: Int64, layers: Int, recordBytes: Int64, records: Int) {
        self.path = path
        self.layerBytes = layerBytes
        self.layers = layers
        self.recordBytes = recordBytes
        self.records = records
    }
}

extension Builder {
    /// Sums up the cache.
    public func cacheUsage() async throws(BuildError) -> CacheUsage {
        try await perform { session in
            let store = try await session.openedCache()
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
    /// What was used within the hour stays whatever the limit is, as other builds may need it. Without a limit everything
    /// else goes; with 0, all that builds which are running do not use.
    ///
    /// - Returns: Bytes that were freed.
    public func pruneCache(to limit: Int64? = nil) async throws(BuildError) -> Int64 {
        try await perform { session in
            let store = try await session.openedCache()
            return try await session.pool.run {
                store.prune(to: limit ?? 0, minimumAge: limit == 0 ? 0 : ContentStore.restingAge)
            }
        }
    }
}

extension BuildSession {
    /// The cache itself: where a build makes do without, there is nothing to look at.
    fileprivate func openedCache() async throws -> ContentStore {
        let (path, fallback) = (environment.resolvedCacheDirectory, environment.temporaryDirectory)
        let store = try await pool.run { try ContentStore.open(at: path, fallback: fallback) }
        if let reason = store.degradation {
            throw BuildError(
                reason,
                hints: ["choose another directory with --cache-dir or IMGBUILD_CACHE_DIR"]
            )
        }
        return store
    }
}
