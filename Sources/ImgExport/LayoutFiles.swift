import Glibc
import ImgReport
import ImgStream

/// The files of a layout by their names in it, such as `index.json`, wherever they lie.
///
/// Blocks.
protocol LayoutFiles: Sendable {
    /// A regular file; nil when there is none.
    func find(_ name: String) throws(BuildError) -> FilePart?
}

/// A layout that is a directory.
struct LayoutDirectory: LayoutFiles {
    let path: String

    func find(_ name: String) throws(BuildError) -> FilePart? {
        // The link of a blob could lead to any file of this machine (LAY-5).
        let isBlob = name.hasPrefix("blobs/")
        do throws(StreamError) {
            return try StoredFile.open("\(path)/\(name)", followsLinks: !isBlob).whole
        } catch {
            if error.isMissing { return nil }
            guard error.isLoop else { throw BuildError(error.message) }
            throw BuildError("\(path)/\(name) is a symbolic link, which is not followed")
        }
    }
}

extension StreamError {
    /// Whether there is no such file.
    var isMissing: Bool { code == .io(ENOENT) || code == .io(ENOTDIR) }

    /// Whether a link was in the place of a file.
    var isLoop: Bool { code == .io(ELOOP) }
}
