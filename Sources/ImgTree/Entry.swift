package import ImgOCI
package import ImgStream

/// What a path of a file system is.
package typealias EntryKind = TarHeader.Kind

/// One path of a merged file system with its effective metadata.
///
/// A hard link has the kind, metadata and content of the file it is a link to (NOTE-5).
package struct Entry: Sendable, Hashable {
    /// Where an entry's content lies.
    package struct Origin: Sendable, Hashable {
        /// Position of the layer in its stack, 0 at the bottom.
        package var layer: Int
        /// Number of the tar header within the layer that is followed by the content, counted from 0.
        package var ordinal: Int

        package init(layer: Int, ordinal: Int) {
            self.layer = layer
            self.ordinal = ordinal
        }
    }

    /// Relative and clean; empty for the root.
    package var path: [UInt8]
    package var kind: EntryKind
    /// Permission and special bits, at most 07777.
    package var mode: UInt16
    package var uid: UInt32 = 0
    package var gid: UInt32 = 0
    /// Bytes of a regular file, else 0.
    package var size: Int64 = 0
    package var mtime = Timestamp.epoch
    /// A symbolic link's text, else empty.
    package var linkTarget: [UInt8] = []
    package var deviceMajor: UInt32 = 0
    package var deviceMinor: UInt32 = 0
    /// The raw `security.capability` attribute.
    package var capability: [UInt8]?
    /// What a ``FileInspector`` said about the file's content.
    package var note: [UInt8]?
    /// nil for a directory that no layer has a header for.
    package var origin: Origin?
    /// Whether several paths of the layer share the content; the group's key is ``origin``.
    package var isShared = false

    /// An entry of root's without content; the rest is for the caller to fill in.
    package init(path: [UInt8], kind: EntryKind, mode: UInt16) {
        self.path = path
        self.kind = kind
        self.mode = mode
    }

    package var isDirectory: Bool { kind == .directory }

    /// A directory that only exists because something lies below it.
    package static func impliedDirectory(_ path: [UInt8]) -> Entry {
        Entry(path: path, kind: .directory, mode: 0o755)
    }
}
