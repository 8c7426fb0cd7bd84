import ImgLayers
import ImgReport
import ImgTree

/// The files of a context that came as a tar, with the modes that the tar gave them.
struct UnpackedTree: SourceTree {
    let base: any SourceTree
    let modes: ContextArchive.Modes

    func lookup(_ path: [UInt8]) async throws(BuildError) -> Entry? { try await base.lookup(path).map(restored) }

    func children(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        try await base.children(of: directory).map(restored)
    }

    func descendants(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        try await base.descendants(of: directory).map(restored)
    }

    func forget() { base.forget() }

    func content(of entry: Entry) -> ContentRef? { base.content(of: entry) }

    func hints(forMissing path: [UInt8]) async -> [String] { await base.hints(forMissing: path) }

    private func restored(_ entry: Entry) -> Entry {
        guard let mode = modes[entry.path] else { return entry }
        var copy = entry
        copy.mode = mode
        return copy
    }
}
