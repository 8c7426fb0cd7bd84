import ImgOCI
import ImgStream
import ImgTasks
import ImgTree

/// Passes the entries of a layer, contents included, to whatever makes a tar of them.
///
/// Blocks.
enum EntryWriting {
    /// What an inspector said about one file.
    struct Note: Sendable, Hashable {
        var path: [UInt8]
        var bytes: [UInt8]
    }

    /// What one pass over the entries feeds.
    struct Sinks {
        var layer: LayerWriter
        /// Gets the same entries with every time zero (``TimelessKey``).
        var timeless: LayerHasher?
        /// Counts the bytes of files.
        var done: ByteCounter?

        fileprivate func append(_ header: TarHeader) throws(StreamError) {
            try layer.append(header)
            try timeless?.append(header.timeless)
        }

        fileprivate func write(_ chunk: Span<UInt8>) throws(StreamError) {
            try layer.write(chunk)
            try timeless?.write(chunk)
            done?.add(Int64(chunk.count))
        }
    }

    /// Writes every entry; an inspector sees the same bytes in the same pass.
    ///
    /// - Parameter noted: Hears each note as soon as it is made.
    static func write(
        _ spec: LayerSpec,
        into sinks: Sinks,
        inspector: (any FileInspector)?,
        noted: (Note) -> Void = { _ in }
    ) throws -> [Note] {
        var notes: [Note] = []
        var buffer = ReadBuffer()
        try forEach(spec) { header, source in
            try sinks.append(header)
            guard let source else { return }
            if let inspector, let bytes = try inspect(header, source, inspector, &buffer, sinks) {
                let note = Note(path: header.path, bytes: bytes)
                notes.append(note)
                noted(note)
            }
            while try buffer.fill(from: source) {
                try Task.checkCancellation()
                try buffer.withSpan { chunk throws(StreamError) in try sinks.write(chunk) }
            }
        }
        return notes
    }

    /// Writes a file as far as the inspector wants to see it, in pieces that do not depend on what it asks for.
    private static func inspect(
        _ header: TarHeader,
        _ source: any ByteSource,
        _ inspector: any FileInspector,
        _ buffer: inout ReadBuffer,
        _ sinks: Sinks
    ) throws(StreamError) -> [UInt8]? {
        var shown = 0
        var filled = 0
        return try inspector.inspect(header) { maximum throws(StreamError) in
            if shown == filled {
                guard try buffer.fill(from: source) else {
                    (shown, filled) = (0, 0)
                    return []
                }
                try buffer.withSpan { chunk throws(StreamError) in try sinks.write(chunk) }
                (shown, filled) = (0, buffer.count)
            }
            let end = min(filled, shown + maximum)
            defer { shown = end }
            return buffer.copy(shown..<end)
        }
    }

    /// The diff ID that writing these entries would give, with every time zero if need be (``TimelessKey``).
    static func diffID(_ spec: LayerSpec, ignoringTimes: Bool = false) throws -> Digest {
        let hasher = LayerHasher()
        var buffer = ReadBuffer()
        try forEach(spec) { header, source in
            try hasher.append(ignoringTimes ? header.timeless : header)
            guard let source else { return }
            while try buffer.fill(from: source) {
                try Task.checkCancellation()
                try buffer.withSpan { chunk throws(StreamError) in try hasher.write(chunk) }
            }
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
}
