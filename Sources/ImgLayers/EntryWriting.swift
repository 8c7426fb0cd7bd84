import ImgOCI
import ImgReport
import ImgStream

/// Writes the entries of a layer, headers and contents; blocks.
enum EntryWriting {
    private static let chunkSize = 256 << 10

    /// - Throws: ``BuildError`` when a file is not as it was when the layer was worked out.
    static func write(_ spec: LayerSpec, into writer: LayerWriter) throws {
        try each(spec, header: { header throws(StreamError) in try writer.append(header) }) { bytes throws(StreamError) in
            try writer.write(bytes.span)
        }
    }

    /// The digest of the tar alone, without compressing it.
    static func diffID(_ spec: LayerSpec) throws -> Digest {
        let hasher = LayerHasher()
        try each(spec, header: { header throws(StreamError) in try hasher.append(header) }) { bytes throws(StreamError) in
            try hasher.write(bytes.span)
        }
        return try hasher.finish()
    }

    private static func each(
        _ spec: LayerSpec,
        header: (TarHeader) throws(StreamError) -> Void,
        content: ([UInt8]) throws(StreamError) -> Void
    ) throws {
        for entry in spec.entries {
            try Task.checkCancellation()
            try header(entry.header)
            guard entry.header.kind == .file, entry.header.size > 0 else { continue }
            let source = try open(entry)
            var rest = entry.header.size
            while rest > 0 {
                try Task.checkCancellation()
                let chunk = try source.readChunk(Int(min(rest, Int64(chunkSize))))
                if chunk.isEmpty { throw changed(entry) }
                try content(chunk)
                rest -= Int64(chunk.count)
            }
            if case .file? = entry.content, try !source.readChunk(1).isEmpty { throw changed(entry) }
        }
    }

    private static func open(_ entry: LayerEntry) throws -> any ByteSource {
        guard let source = try entry.content?.openLocal() else {
            throw StreamError(.unsupported, "the content of \(entry.header.path.shown) lies in another layer")
        }
        return source
    }

    private static func changed(_ entry: LayerEntry) -> BuildError {
        let name = if case .file(let path, _, _)? = entry.content { String(decoding: path, as: UTF8.self) } else { entry.header.path.shown }
        return BuildError(.failure, "\(name) changed its size while it was read", hints: ["build again when nothing writes to the context"])
    }
}
