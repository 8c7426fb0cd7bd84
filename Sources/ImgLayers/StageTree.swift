package import ImgOCI
package import ImgReport
import ImgStream
package import ImgTasks
package import ImgTree

/// Reads content that lies in layers, for the few questions that need it: account files copied from elsewhere.
package protocol LayerContentReader: Sendable {
    /// The whole content behind one header of a layer's tar.
    ///
    /// - Parameter limit: More bytes than this are an error.
    func read(layer: Digest, ordinal: Int, limit: Int) async throws(BuildError) -> [UInt8]
}

/// The file system of a stage or image at some point: its tree, and where the content of every layer lies.
///
/// Serves as the destination of a step and as the source of `COPY --from`.
package struct StageTree: SourceTree {
    /// Where the bytes of one layer's regular files come from.
    private enum Contents: Sendable {
        /// A layer of a base image, by digest.
        case blob(Digest)
        /// A layer of this build, header by header.
        case entries([LayerEntry])
    }

    /// The merged paths of all layers.
    package let tree: FileTree
    private let contents: [Contents]
    /// Told of every question, for ``CopyMemo``.
    private var questions: StageQuestions?

    private init(tree: FileTree, contents: [Contents]) {
        self.tree = tree
        self.contents = contents
    }

    /// The stage `FROM scratch`.
    package init() {
        self.init(tree: FileTree(), contents: [])
    }

    /// The file system of an image.
    ///
    /// - Parameter layers: From the bottom to the top, each with its digest and what gives its index on demand.
    package init(layers: [(digest: Digest, load: @Sendable () async throws -> LayerIndex)]) {
        let providers = layers.map { LayerProvider(digest: $0.digest, load: $0.load) }
        self.init(tree: FileTree(layers: providers), contents: layers.map { .blob($0.digest) })
    }

    /// The file system after a step.
    package func appending(_ spec: LayerSpec) throws(BuildError) -> StageTree {
        appending(spec, index: try Self.index(of: spec))
    }

    /// - Parameter index: Of `spec`.
    func appending(_ spec: LayerSpec, index: LayerIndex) -> StageTree {
        StageTree(tree: tree.appending(index), contents: contents + [.entries(spec.entries)])
    }

    static func index(of spec: LayerSpec) throws(BuildError) -> LayerIndex {
        var builder = LayerIndex.Builder()
        do {
            for entry in spec.entries { try builder.append(entry.header) }
            return try builder.finish()
        } catch {
            throw BuildError(wrapping: error)
        }
    }

    /// The same stage, every question to it noted.
    func recording(_ questions: StageQuestions) -> StageTree {
        var copy = self
        copy.questions = questions
        return copy
    }

    package var isVoid: Bool { tree.layerCount == 0 }

    package func lookup(_ path: [UInt8]) async throws(BuildError) -> Entry? {
        do {
            let entry = try await tree.lookup(path)
            questions?.note(path, entry)
            return entry
        } catch {
            throw BuildError(wrapping: error)
        }
    }

    package func children(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        questions?.giveUp()
        do { return try await tree.children(of: directory) } catch { throw BuildError(wrapping: error) }
    }

    package func descendants(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        questions?.giveUp()
        do { return try await tree.walk(directory) } catch { throw BuildError(wrapping: error) }
    }

    package func content(of entry: Entry) -> ContentRef? {
        guard entry.kind == .file else { return nil }
        questions?.giveUp()
        guard let origin = entry.origin, contents.indices.contains(origin.layer) else {
            return nil
        }
        if entry.size == 0 { return .bytes([]) }
        switch contents[origin.layer] {
        case .blob(let digest): return .layerEntry(layer: digest, ordinal: origin.ordinal, size: entry.size)
        case .entries(let entries):
            return entries.indices.contains(origin.ordinal) ? entries[origin.ordinal].content : nil
        }
    }

    /// Which header of which layer of this build a file's content comes with: the layer counted from 0 among them, the
    /// header by its path; nil for files of base layers.
    package func header(of entry: Entry) -> (layer: Int, path: [UInt8])? {
        questions?.giveUp()
        guard let origin = entry.origin, contents.indices.contains(origin.layer),
            case .entries(let entries) = contents[origin.layer], entries.indices.contains(origin.ordinal)
        else { return nil }
        let below = contents[..<origin.layer].count { if case .entries = $0 { true } else { false } }
        return (below, entries[origin.ordinal].header.path)
    }

    /// The content of `etc/passwd` or `etc/group` as far as an index or a source at hand has it; nil otherwise.
    package func accountFile(_ path: String, on pool: BlockingPool) async throws(BuildError) -> [UInt8]? {
        let resolution = try await resolve(Array(path.utf8))
        guard let entry = resolution.entry, entry.kind == .file else { return nil }
        if let kept = try await keptContent(of: entry) { return kept }
        guard let reference = content(of: entry), reference.size <= Int64(Accounts.fileLimit) else { return nil }
        return try await pool.building { try reference.openLocal()?.readAll(limit: Accounts.fileLimit) }
    }

    /// Where a regular file's bytes lie if its layer's index keeps them, else nothing.
    func keptContent(of entry: Entry) async throws(BuildError) -> [UInt8]? {
        questions?.giveUp()
        do { return try await tree.keptContent(of: entry) } catch { throw BuildError(wrapping: error) }
    }
}
