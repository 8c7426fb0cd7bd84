package import ImgOCI

/// What a tar says about one entry.
package struct TarHeader: Sendable {
    package enum Kind: Sendable, Hashable {
        case file
        case directory
        case symlink
        case hardlink
        case fifo
        case charDevice
        case blockDevice
    }

    /// Relative, without `./` and without a trailing slash; raw bytes, as names need not be UTF-8.
    package var path: [UInt8]
    package var kind: Kind
    /// Permission, set-ID and sticky bits, at most 07777.
    package var mode: UInt16 = 0
    package var uid: UInt32 = 0
    package var gid: UInt32 = 0
    /// Bytes of content that follow; 0 for everything but files.
    package var size: Int64 = 0
    package var mtime = Timestamp.epoch
    /// A symbolic link's text, or the path that a hard link names.
    package var linkTarget: [UInt8] = []
    package var deviceMajor: UInt32 = 0
    package var deviceMinor: UInt32 = 0
    /// In the order of the archive.
    package var xattrs: [(name: String, value: [UInt8])] = []

    package init(path: [UInt8], kind: Kind) {
        self.path = path
        self.kind = kind
    }
}
