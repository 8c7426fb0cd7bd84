/// The merged files of an image, as far as the checks look at them.
///
/// Paths are absolute.
package protocol ImageFiles: Sendable {
    /// The file a path leads to, every symlink followed inside the image; nil when there is none.
    func file(at path: String) async throws -> ImageFile?
    /// Where a path leads when every symlink is followed, whether or not something is there.
    func destination(of path: String) async throws -> String
    /// Names of a directory's entries in order of bytes; empty when it is none.
    func names(in directory: String) async throws -> [String]
    /// The text of a small configuration file.
    func text(of path: String) async throws -> FileText
}

/// What is known of a configuration file.
package enum FileText: Hashable, Sendable {
    case text(String)
    case absent
    /// It is there, but its content is not at hand.
    case unknown
}

/// One file of an image.
package struct ImageFile: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file
        case directory
        case other
    }

    /// Where it really is.
    package var path: String
    package var kind: Kind
    /// Permission bits, with setuid and the like.
    package var mode: UInt16
    package var uid: UInt32
    package var gid: UInt32
    package var size: Int64
    /// Nil for files that are neither a known binary nor a script.
    package var facts: ExecutableFacts?
    /// Whether the file's bytes were looked at at all; otherwise nil ``facts`` says nothing.
    package var wasInspected: Bool

    package init(
        path: String,
        kind: Kind,
        mode: UInt16,
        uid: UInt32 = 0,
        gid: UInt32 = 0,
        size: Int64 = 0,
        facts: ExecutableFacts? = nil,
        wasInspected: Bool = true
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.size = size
        self.facts = facts
        self.wasInspected = wasInspected
    }
}

/// Configuration files whose text the checks need; whoever scans layers keeps them.
///
/// Accounts are needed of the layers that are built: one may have been copied from another image.
package enum CheckedTexts {
    /// Larger files are none of the loader's.
    package static let limit = 4 << 20

    /// Whether something of a path (without leading slash) is to be kept.
    package static func isWanted(_ path: String) -> Bool {
        path == cache || path == "etc/ld.so.conf" || (path.hasPrefix("etc/ld.so.conf.d/") && path.hasSuffix(".conf"))
            || (path.hasPrefix("etc/ld-musl-") && path.hasSuffix(".path")) || path == "etc/passwd"
            || path == "etc/group"
    }

    /// What is kept of a wanted file: its text, or the paths in the loader's cache, one a line.
    package static func kept(_ content: [UInt8], of path: String) -> [UInt8] {
        guard path == cache else { return content }
        let paths = content.split(separator: 0)
            .filter { $0.first == UInt8(ascii: "/") && $0.allSatisfy { (0x20..<0x7f).contains($0) } }
        return Array(paths.joined(separator: [0x0a]))
    }

    private static let cache = "etc/ld.so.cache"
}
