import ImgReport
import ImgStream

/// The files of a tar by their names.
///
/// A tar that is not compressed is read in place; of any other, the contents are put into a temporary file. Names never
/// become paths of this machine, and links lead to other entries only.
struct ArchiveFiles: LayoutFiles {
    private enum Entry {
        case file(FilePart)
        case link(String)
    }

    /// More entries, or longer names, than an image could need (SEC-10).
    private static let maxEntries = 100_000
    private static let longestName = 256
    private static let maxLinks = 8

    private var entries: [String: Entry] = [:]

    /// Reads the headers, and no contents unless they are compressed.
    ///
    /// - Parameter directory: Where temporary files may lie.
    static func open(_ path: String, spoolingTo directory: String) throws(BuildError) -> ArchiveFiles {
        do throws(StreamError) {
            return try ArchiveFiles(StoredFile.open(path), spoolingTo: directory)
        } catch {
            if error.code == .cancelled { throw BuildError(.interrupted, "interrupted") }
            if error.isMissing { throw BuildError(.notFound, error.message) }
            throw BuildError(
                "cannot read the archive \(path): \(error.message)",
                hints: ["give an OCI layout, as a directory or tar, or what docker save writes"]
            )
        }
    }

    private init(_ file: StoredFile, spoolingTo directory: String) throws(StreamError) {
        let reader = try TarReader(file.whole.source, format: .anyCompression)
        var spool: SpoolFile?
        while let header = try reader.next() {
            try StreamError.checkCancellation()
            guard let name = Self.name(header.path, in: "") else { continue }
            switch header.kind {
            case .file:
                if let offset = reader.contentOffset {
                    entries[name] = .file(FilePart(file: file, offset: offset, size: header.size))
                } else {
                    let target = if let spool { spool } else { try SpoolFile.create(in: directory) }
                    spool = target
                    entries[name] = .file(target.part(try target.append(contentOf: reader)))
                }
            case .symlink: entries[name] = Self.name(header.linkTarget, in: name).map { .link($0) }
            case .hardlink: entries[name] = Self.name(header.linkTarget, in: "").map { .link($0) }
            default: continue
            }
            guard entries.count <= Self.maxEntries else {
                throw StreamError(.tooLarge, "it has more than \(Self.maxEntries) entries")
            }
        }
    }

    func find(_ name: String) -> FilePart? {
        var name = name
        for _ in 0...Self.maxLinks {
            switch entries[name] {
            case .file(let part)?: return part
            case .link(let target)?: name = target
            case nil: return nil
            }
        }
        return nil
    }

    /// A name without `.` and `..`; nil for what leads out, or could not be asked for.
    ///
    /// - Parameter link: Whose target it is, beside which it is looked for; empty for what counts from the top.
    private static func name(_ bytes: [UInt8], in link: String) -> String? {
        guard bytes.count <= longestName, bytes.first != UInt8(ascii: "/"),
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        var parts = link.split(separator: "/").dropLast()
        for part in text.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil {
                return nil
            }
        }
        return parts.joined(separator: "/")
    }
}
