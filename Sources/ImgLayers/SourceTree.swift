package import ImgReport
import ImgStream
package import ImgTree

/// Something to copy from: a context directory, a stage or image, a checkout, a single file.
///
/// Paths are relative to its root and clean; the empty path is the root.
package protocol SourceTree: Sendable {
    /// Whether there is no file system at all, as in a stage `FROM scratch` without a layer.
    var isVoid: Bool { get }

    /// One path without following symbolic links; nil when it does not exist or is ignored.
    func lookup(_ path: [UInt8]) async throws(BuildError) -> Entry?

    /// What a directory holds, bytewise by name.
    func children(of directory: [UInt8]) async throws(BuildError) -> [Entry]

    /// Everything below a directory, depth first and bytewise by name.
    func descendants(of directory: [UInt8]) async throws(BuildError) -> [Entry]

    /// Reads what ``descendants(of:)`` will be asked for, where that takes time.
    func readAhead(_ path: [UInt8]) async

    /// Frees what was kept for further questions, which are answered all the same.
    func forget()

    /// Where the bytes of a regular file come from; nil for other kinds.
    func content(of entry: Entry) -> ContentRef?

    /// Why a path is not there, for people: an ignore pattern, a similar name.
    func hints(forMissing path: [UInt8]) async -> [String]
}

extension SourceTree {
    /// Whether there is no file system at all; most sources are one.
    package var isVoid: Bool { false }

    /// Nothing: most sources are at hand.
    package func readAhead(_ path: [UInt8]) async {}

    /// Nothing: most sources keep nothing.
    package func forget() {}

    /// A path with all symbolic links followed inside the root.
    package func resolve(_ path: [UInt8], followLast: Bool = true) async throws(BuildError) -> Resolution {
        try await Resolution.of(path, followLast: followLast) { path async throws(BuildError) in try await lookup(path)
        }
    }

    /// A name that is near the missing one, in the deepest directory that exists.
    package func hints(forMissing path: [UInt8]) async -> [String] {
        await similarNames(to: path)
    }

    func similarNames(to path: [UInt8]) async -> [String] {
        var directory: [UInt8] = []
        for component in path.split(separator: UInt8(ascii: "/")) {
            let inner = TreePath.join(directory, component)
            guard let entry = try? await lookup(inner) else {
                guard let names = try? await children(of: directory) else { return [] }
                return SourceHints.similar(to: component, in: directory, names: names.map { TreePath.name($0.path) })
            }
            guard entry.isDirectory else { return [] }
            directory = inner
        }
        return []
    }
}

/// Remedies for paths that do not exist.
enum SourceHints {
    static func similar(
        to component: ArraySlice<UInt8>,
        in directory: [UInt8],
        names: [ArraySlice<UInt8>]
    ) -> [String] {
        let candidates = names.map { String(decoding: $0, as: UTF8.self) }
        let wanted = String(decoding: component, as: UTF8.self)
        let twin = candidates.first { $0 != wanted && $0.lowercased() == wanted.lowercased() }
        guard let near = twin ?? Suggestion.nearest(wanted, among: candidates, ignoringCase: true) else { return [] }
        return ["did you mean \"\(String(decoding: TreePath.join(directory, Array(near.utf8)), as: UTF8.self))\"?"]
    }
}

extension [UInt8] {
    /// A relative path as messages show it: absolute, invalid UTF-8 replaced.
    var shown: String { "/" + String(decoding: self, as: UTF8.self) }
}
