import ImgDockerfile
import ImgExport
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTasks
import ImgTree

/// The main context and the named ones, each opened when first used and once.
final class ContextSet: Sendable {
    /// The files that COPY and ADD see without `--from`.
    let main: any SourceTree
    private let remotes: RemoteSources
    private let scratch: ScratchDirectories
    private let pool: BlockingPool
    private let opened = OnceMap<String, any SourceTree>()

    init(main: MainContext, remotes: RemoteSources, scratch: ScratchDirectories, pool: BlockingPool) {
        self.main = main.tree
        self.remotes = remotes
        self.scratch = scratch
        self.pool = pool
    }

    /// The files of a named context that is no image.
    func tree(of context: NamedContext) async throws -> any SourceTree {
        let (remotes, scratch, pool) = (remotes, scratch, pool)
        switch context {
        case .directory(let path):
            return try await opened.value(for: path) {
                let patterns = try await pool.run { try IgnoreFile.read(path + "/.dockerignore") }
                return try await ContextTree.open(path, ignoring: patterns, pool: pool)
            }
        case .file(let path):
            return try await opened.value(for: path) {
                // An archive stands for what is in it, as it does for the main context.
                guard try await pool.run({ try ContextArchive.isArchive(path) }) else {
                    return try await SingleFileTree.open(path, pool: pool)
                }
                let directory = try await scratch.make("context")
                let modes = try await pool.run {
                    do throws(StreamError) {
                        return try ContextArchive.unpack(try FileSource.open(path), into: directory)
                    } catch {
                        throw BuildError("cannot read the context \(path): \(error.message)")
                    }
                }
                let tree = try await ContextTree.open(directory, ignoring: nil, pool: pool)
                return UnpackedTree(base: tree, modes: modes)
            }
        case .git(let reference):
            return try await opened.value(for: "git \(reference)") {
                let checkout = try await remotes.checkout(reference, checksum: nil)
                return try await CheckoutTree.open(
                    checkout.path,
                    time: Timestamp(seconds: checkout.time),
                    subdirectory: reference.subdir,
                    pool: pool
                )
            }
        default: throw BuildError("the named context \(context) has no files")
        }
    }
}

/// The build context, open, with its Dockerfile.
struct MainContext: Sendable {
    var tree: any SourceTree
    var dockerfile: SourceFile
    /// For lint; nil when nothing is ignored.
    var ignore: IgnorePatterns?
    /// Time of the commit or archive (REP-2, `context`).
    var time: Timestamp?
}
