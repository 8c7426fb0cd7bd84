package import ImgOCI
package import ImgStream

/// Where the bytes of a regular file come from.
package enum ContentRef: Hashable, Sendable {
    /// A file on disk: a path that contained no symbolic link when it was found, its size and state then.
    case file(path: ContextPath, size: Int64, identity: FileIdentity)
    /// Bytes at hand: heredocs, empty files.
    case bytes([UInt8])
    /// The content behind one header of a layer's tar, counted from 0.
    case layerEntry(layer: Digest, ordinal: Int, size: Int64)
    /// A stretch of a temporary file.
    case spool(file: SpoolFile, offset: Int64, size: Int64)

    /// Number of bytes.
    package var size: Int64 {
        switch self {
        case .file(_, let size, _), .layerEntry(_, _, let size), .spool(_, _, let size): size
        case .bytes(let bytes): Int64(bytes.count)
        }
    }
}

/// A path on disk in two parts, each of which shares its memory with others like it.
package struct ContextPath: Hashable, Sendable {
    /// Absolute, without a trailing `/`; empty for the file system's root.
    package var root: [UInt8]
    package var relative: [UInt8]

    package init(root: [UInt8], relative: [UInt8]) {
        self.root = root
        self.relative = relative
    }

    package var absolute: [UInt8] { root + [UInt8(ascii: "/")] + relative }
}

/// What the operating system says about a file's state: equal states mean equal content, unless it changed just now.
package struct FileIdentity: Hashable, Sendable {
    package var device: UInt64
    package var inode: UInt64
    package var modified: Timestamp
    /// Of the content or the metadata.
    package var changed: Timestamp

    package init(device: UInt64, inode: UInt64, modified: Timestamp, changed: Timestamp) {
        self.device = device
        self.inode = inode
        self.modified = modified
        self.changed = changed
    }
}
