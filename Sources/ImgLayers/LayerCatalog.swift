package import ImgOCI
import ImgStream

/// Layers that other machines have built, found by what they hold.
///
/// A fresh checkout gives every file a new time, so times take no part in the search: of layers that differ in nothing
/// else, the one with the same times is preferred, and where that is asked for, it is the only one that counts.
package struct LayerCatalog: Sendable {
    /// One finished layer.
    package struct Entry: Sendable, Hashable {
        /// ``TimelessKey/shape``.
        var shape: String
        /// ``LayerKey/shape``, times included.
        var exactShape: String
        /// The diff ID it would have if every time were zero; nil when ``shape`` tells all.
        var content: Digest?
        /// The latest time of what was copied when it was built.
        package var newestSourceTime: Timestamp?
        var record: LayerRecord

        package var descriptor: Descriptor { record.descriptor }
    }

    private let entries: [String: [Entry]]

    /// - Parameter entries: Those that count more first.
    package init(_ entries: [Entry]) {
        self.entries = Dictionary(grouping: entries, by: \.shape)
    }

    /// Layers of this shape, whatever their contents.
    func candidates(_ key: TimelessKey) -> [Entry] { entries[key.shape] ?? [] }
}

/// Names a layer by everything but times.
struct TimelessKey: Hashable, Sendable {
    /// As ``LayerKey/shape`` with every time zero.
    let shape: String
    /// Whether files outside of layers take part, whose contents ``shape`` does not cover.
    let needsContent: Bool

    init(_ spec: LayerSpec, settings: CompressionSettings) {
        shape = LayerKey(spec, settings: settings, now: .epoch, ignoresTimes: true).shape
        needsContent = spec.entries.contains { entry in
            switch entry.content {
            case .file?, .spool?: true
            case .bytes?, .layerEntry?, nil: false
            }
        }
    }
}

extension TarHeader {
    /// The same with a time of zero.
    var timeless: TarHeader {
        var copy = self
        copy.mtime = .epoch
        return copy
    }
}

enum TimelessContent {
    /// The diff ID that a finished layer would have if every time were zero, from its blob.
    ///
    /// Read back rather than taken from the sources: those may have changed since. Blocks.
    static func digest(of blob: any ByteSource) throws -> Digest {
        let reader = try TarReader(Inflater(blob))
        let hasher = LayerHasher()
        var buffer = ReadBuffer()
        while let header = try reader.next() {
            try hasher.append(header.timeless)
            guard header.kind == .file else { continue }
            while try buffer.fill(from: reader) {
                try StreamError.checkCancellation()
                try buffer.withSpan { chunk throws(StreamError) in try hasher.write(chunk) }
            }
        }
        return try hasher.finish()
    }
}

// MARK: - As JSON

extension LayerCatalog.Entry {
    package init?(json: JSON) {
        guard json["recordVersion"]?.integerValue == LayerRecord.version, let shape = json["shape"]?.stringValue,
            let exactShape = json["exactShape"]?.stringValue,
            let record = json["record"].flatMap(LayerRecord.init(json:))
        else { return nil }
        self.shape = shape
        self.exactShape = exactShape
        self.record = record
        if let text = json["content"]?.stringValue {
            guard let digest = try? Digest(parsing: text) else { return nil }
            content = digest
        }
        newestSourceTime = json["newestSourceTime"]?.stringValue.flatMap(Timestamp.init(rfc3339:))
    }

    package var json: JSON {
        var object = JSONObject()
        object["shape"] = .string(shape)
        object["exactShape"] = .string(exactShape)
        object["content"] = content.map { .string($0.description) }
        object["newestSourceTime"] = newestSourceTime.map { .string($0.rfc3339) }
        object["recordVersion"] = .integer(LayerRecord.version)
        object["record"] = record.json
        return .object(object)
    }
}
