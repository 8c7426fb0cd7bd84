package import ImgReport
import ImgStream
package import ImgTasks

/// Reads small contents whole, wherever they lie.
package struct ContentLoader: Sendable {
    private let pool: BlockingPool
    private let layers: any LayerContentReader

    package init(pool: BlockingPool, layers: any LayerContentReader) {
        self.pool = pool
        self.layers = layers
    }

    /// - Throws: ``BuildError`` when the content is larger than `limit` or cannot be read.
    package func bytes(of reference: ContentRef, limit: Int) async throws(BuildError) -> [UInt8] {
        guard reference.size <= Int64(limit) else { throw BuildError(.failure, "file larger than \(limit) bytes") }
        switch reference {
        case .bytes(let bytes): return bytes
        case .layerEntry(let layer, let ordinal, _):
            return try await layers.read(layer: layer, ordinal: ordinal, limit: limit)
        case .file, .spool:
            return try await pool.building {
                try reference.openLocal()?.readAll(limit: limit) ?? []
            }
        }
    }
}
