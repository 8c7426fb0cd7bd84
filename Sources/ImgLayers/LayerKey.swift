import ImgOCI
import ImgStream
import ImgTree

/// Names under which a finished layer is found again.
///
/// The *shape* covers everything but the contents of files: names, metadata, sizes, and the way of compression. The *state* adds what
/// the operating system says about each file (device, inode, times), so that an unchanged context is recognised without
/// reading it. The contents themselves are covered by the diff ID.
struct LayerKey: Hashable, Sendable {
    /// Raised whenever the bytes of a layer would come out differently for the same input.
    static let compatibilityVersion = 3

    let shape: String
    /// Tells different contents of one shape apart within this run.
    let identity: String
    /// Whether ``identity`` means the same content in later runs: not for temporary files, nor for files that changed so
    /// recently that the same times could belong to another content.
    let isLasting: Bool

    /// The name under which later runs find the layer without reading a file.
    var state: String? { isLasting ? identity : nil }

    /// - Parameters:
    ///   - now: A time before the contents are read: changes shortly before it are not trusted.
    ///   - ignoresTimes: Whether every time counts as zero (``TimelessKey``).
    init(_ spec: LayerSpec, settings: CompressionSettings, now: Timestamp, ignoresTimes: Bool = false) {
        var shape = KeyHash()
        shape.add("imgbuild layer \(Self.compatibilityVersion) \(settings)")
        var state = KeyHash()
        var isTrusted = true
        for entry in spec.entries {
            shape.add(ignoresTimes ? entry.header.timeless : entry.header)
            switch entry.content {
            case nil: shape.add("-")
            case .bytes(let bytes)?:
                shape.add("bytes")
                shape.add(SHA256.digest(of: bytes).hex)
            case .layerEntry(let layer, let ordinal, let size)?: shape.add("\(layer) \(ordinal) \(size)")
            case .file(_, let size, let identity)?:
                shape.add("file \(size)")
                state.add(identity)
                if !identity.isSettled(at: now) { isTrusted = false }
            case .spool(let file, let offset, let size)?:
                shape.add("spool \(size)")
                state.add("\(file.number) \(offset)")
                isTrusted = false
            }
        }
        self.shape = shape.finish()
        state.add(self.shape)
        identity = state.finish()
        isLasting = isTrusted
    }

    /// The record of a finished layer by its content.
    static func content(_ diffID: Digest, settings: CompressionSettings) -> String {
        "\(compatibilityVersion) \(settings) \(diffID)"
    }
}

extension FileIdentity {
    /// Whether every change after `now` gives the file another time of change.
    ///
    /// Clocks of file systems tick every few milliseconds; those that only keep seconds show none.
    func isSettled(at now: Timestamp) -> Bool {
        var limit = changed
        if changed.nanoseconds == 0 {
            limit.seconds += 2
        } else {
            limit.nanoseconds += 100_000_000
            if limit.nanoseconds >= 1_000_000_000 {
                limit.nanoseconds -= 1_000_000_000
                limit.seconds += 1
            }
        }
        return limit < now
    }
}

/// SHA-256 over length-prefixed fields, fed in batches.
private struct KeyHash: ~Copyable {
    private var hash = SHA256()
    private var pending: [UInt8] = []

    mutating func add(_ text: String) { add(Array(text.utf8)) }

    mutating func add(_ bytes: [UInt8]) {
        add(UInt64(bytes.count))
        pending.append(contentsOf: bytes)
    }

    mutating func add(_ number: UInt64) {
        if pending.count > 32 << 10 { flush() }
        let bytes = number.littleEndian
        unsafe withUnsafeBytes(of: bytes) { unsafe pending.append(contentsOf: $0) }
    }

    mutating func add(_ header: TarHeader) {
        add(header.path)
        add(header.kind.code)
        add(UInt64(header.mode))
        add(UInt64(header.uid) << 32 | UInt64(header.gid))
        add(UInt64(bitPattern: header.size))
        add(UInt64(bitPattern: header.mtime.seconds))
        add(header.linkTarget)
        add(UInt64(header.deviceMajor) << 32 | UInt64(header.deviceMinor))
        for attribute in header.xattrs {
            add(attribute.name)
            add(attribute.value)
        }
    }

    mutating func add(_ file: FileIdentity) {
        add(file.device)
        add(file.inode)
        add(UInt64(bitPattern: file.modified.seconds) << 30 ^ UInt64(file.modified.nanoseconds))
        add(UInt64(bitPattern: file.changed.seconds) << 30 ^ UInt64(file.changed.nanoseconds))
    }

    private mutating func flush() {
        // Taken out for the call, not copied: a span must not outlive a property that could change.
        var batch: [UInt8] = []
        swap(&batch, &pending)
        hash.update(batch.span)
        batch.removeAll(keepingCapacity: true)
        swap(&batch, &pending)
    }

    consuming func finish() -> String {
        flush()
        return hash.finalize().hex
    }
}

extension TarHeader.Kind {
    /// Stable: part of names in the cache.
    fileprivate var code: UInt64 {
        switch self {
        case .file: 0
        case .directory: 1
        case .symlink: 2
        case .hardlink: 3
        case .fifo: 4
        case .charDevice: 5
        case .blockDevice: 6
        }
    }
}
