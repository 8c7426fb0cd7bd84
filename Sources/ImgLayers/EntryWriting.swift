import ImgOCI
import ImgStream
import ImgTree

/// Passes the entries of a layer, contents included, to whatever makes a tar of them.
///
/// Blocks.
enum EntryWriting {
    private static let chunkSize = 256 << 10

    /// What an inspector said about one file.
    struct Note: Sendable, Hashable {
        var path: [UInt8]
        var bytes: [UInt8]
    }

    /// Writes every entry; an inspector sees the same bytes in the same pass.
    static func write(_ spec: LayerSpec, into writer: LayerWriter, inspector: (any FileInspector)?) throws -> [Note] {
        var notes: [Note] = []
        try forEach(spec) { header, source in
            try writer.append(header)
            guard let source else { return }
            if let inspector {
                let note = try inspector.inspect(header) { maximum throws(StreamError) in
                    let chunk = try source.readChunk(maximum)
                    try writer.write(chunk.span)
                    return chunk
                }
                if let note { notes.append(Note(path: header.path, bytes: note)) }
            }
            try copy(source) { chunk throws(StreamError) in try writer.write(chunk.span) }
        }
        return notes
    }

    /// The diff ID that writing these entries would give.
    static func diffID(_ spec: LayerSpec) throws -> Digest {
        let hasher = LayerHasher()
        try forEach(spec) { header, source in
            try hasher.append(header)
            guard let source else { return }
            try copy(source) { chunk throws(StreamError) in try hasher.write(chunk.span) }
        }
        return try hasher.finish()
    }

    private static func forEach(
        _ spec: LayerSpec,
        _ body: (TarHeader, (any ByteSource)?) throws -> Void
    ) throws {
        for entry in spec.entries {
            try Task.checkCancellation()
            do {
                guard let content = entry.content else {
                    try body(entry.header, nil)
                    continue
                }
                guard let source = try content.openLocal() else {
                    throw StreamError(.unsupported, "its content was not fetched")
                }
                try body(entry.header, source)
            } catch let error as StreamError where error.code != .cancelled {
                let name = "/" + String(decoding: entry.header.path, as: UTF8.self)
                throw StreamError(error.code, "\(name): \(error.message)")
            }
        }
    }

    private static func copy(
        _ source: any ByteSource,
        _ write: ([UInt8]) throws(StreamError) -> Void
    ) throws(StreamError) {
        while true {
            let chunk = try source.readChunk(chunkSize)
            if chunk.isEmpty { return }
            try write(chunk)
        }
    }
}
