import Glibc
import ImgDockerfile
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTasks
import ImgTree

/// Opens the build context and finds its Dockerfile (CTX-1).
struct ContextOpener: Sendable {
    let environment: BuilderEnvironment
    let git: GitCommand
    let scratch: ScratchDirectories
    let pool: BlockingPool
    /// Whether `.git` of a git context stays when its URL does not say so.
    var keepsGitDirectory = false

    /// A Dockerfile larger than this is none.
    private static let dockerfileLimit = 16 << 20

    func open(_ request: BuildRequest) async throws -> MainContext {
        switch request.context {
        case .directory(let path):
            return try await directory(environment.absolute(path), named: path, request.dockerfile)
        case .empty: return try await empty(request.dockerfile)
        case .git(let url): return try await checkout(url, request.dockerfile)
        case .archive(let path):
            let absolute = environment.absolute(path)
            return try await archive(
                { () throws(StreamError) in try FileSource.open(absolute) },
                named: path,
                request.dockerfile
            )
        case .standardInput: return try await standardInput(request.dockerfile)
        }
    }

    // MARK: - Kinds of contexts

    private func directory(
        _ path: String,
        named name: String,
        _ location: DockerfileLocation?
    ) async throws -> MainContext {
        guard try await pool.run({ PathKind.isDirectory(path) }) else {
            throw BuildError(
                .failure,
                "unable to prepare context: \(name) is not a directory",
                hints: ["give a directory, a .tar file, a git URL, or - for standard input"]
            )
        }
        return try await context(of: ContextFiles(root: path, pool: pool), location)
    }

    private func empty(_ location: DockerfileLocation?) async throws -> MainContext {
        try await directory(try await scratch.make("context"), named: "the empty context", location)
    }

    private func checkout(_ url: String, _ location: DockerfileLocation?) async throws -> MainContext {
        guard let reference = try GitReference(recognising: url) else {
            throw BuildError(.usage, "\(ContextLocation.masked(url)) is not a git URL")
        }
        let directory = try await scratch.make("git")
        let checkout = try await git.checkout(
            reference.remote,
            ref: reference.ref,
            submodules: reference.submodules,
            into: directory
        )
        var files = try await ContextFiles(foreign: checkout.path, pool: pool)
        if let subdirectory = reference.subdir {
            guard let root = try await files.path(of: subdirectory, .directory) else {
                throw BuildError(
                    "unable to prepare context: \(subdirectory) is not a directory of \(ContextLocation.masked(url))",
                    hints: ["links that lead out of the repository are not followed"]
                )
            }
            files = try await ContextFiles(foreign: root, pool: pool)
        }
        let time = Timestamp(seconds: checkout.time)
        // An ignore file says nothing about a repository (IGN-12).
        var context = try await self.context(of: files, location, ignoresFiles: false)
        context.time = time
        context.tree = CheckoutTree(
            context.tree,
            time: time,
            keepsGitDirectory: reference.keepGitDir ?? keepsGitDirectory
        )
        return context
    }

    /// The tar is unpacked into a private directory: COPY looks at its files many times and in any order.
    private func archive(
        _ open: @Sendable @escaping () throws(StreamError) -> any ByteSource,
        named name: String,
        _ location: DockerfileLocation?
    ) async throws -> MainContext {
        let directory = try await scratch.make("context")
        let modes = try await pool.run {
            do throws(StreamError) {
                return try ContextArchive.unpack(try open(), into: directory)
            } catch {
                throw BuildError("cannot read the context \(name): \(error.message)")
            }
        }
        var context = try await context(of: try await ContextFiles(foreign: directory, pool: pool), location)
        context.tree = UnpackedTree(base: context.tree, modes: modes)
        return context
    }

    /// A tar, or the Dockerfile itself with no files around it.
    private func standardInput(_ location: DockerfileLocation?) async throws -> MainContext {
        if case .standardInput? = location {
            throw BuildError(.usage, "standard input cannot be both the context and the Dockerfile")
        }
        let input = PeekingInput()
        let head = try await pool.run { try input.peek(512) }
        let isArchive =
            head.starts(with: [0x1f, 0x8b]) || head.starts(with: [0x42, 0x5a, 0x68])
            || head.starts(with: [0xfd, 0x37, 0x7a])
            || head.starts(with: [0x28, 0xb5, 0x2f, 0xfd])
            || (head.count > 262 && head[257..<262].elementsEqual("ustar".utf8))
        if isArchive { return try await archive({ input }, named: "on standard input", location) }
        let bytes = try await pool.run { try Self.read(input) }
        guard !bytes.isEmpty else { throw BuildError(.usage, "the context on standard input is empty") }
        return try await empty(.text(bytes, name: "Dockerfile"))
    }

    // MARK: - The Dockerfile

    private func context(
        of files: ContextFiles,
        _ location: DockerfileLocation?,
        ignoresFiles: Bool = true
    ) async throws -> MainContext {
        let (dockerfile, name) = try await dockerfile(location, in: files)
        let ignore = ignoresFiles ? try await ignorePatterns(forDockerfile: name, in: files) : nil
        let tree = try await ContextTree.open(files.root, ignoring: ignore, pool: pool)
        return MainContext(tree: tree, dockerfile: dockerfile, ignore: ignore)
    }

    /// The text, and the name that ``ContextFiles`` knows it by; nil when it came from elsewhere (IGN-1).
    private func dockerfile(
        _ location: DockerfileLocation?,
        in files: ContextFiles
    ) async throws -> (SourceFile, String?) {
        switch location {
        case .text(let bytes, let name)?: return (SourceFile(name: name, bytes: bytes), nil)
        case .standardInput?:
            let bytes = try await pool.run { try Self.read(PeekingInput()) }
            return (SourceFile(name: "Dockerfile", bytes: bytes), nil)
        case .file(let given)?:
            let name = files.isForeign ? given : environment.absolute(given)
            let bytes = try await read(name, named: given, in: files)
            let isInside = name.hasPrefix(files.root + "/")
            return (
                SourceFile(name: isInside ? String(name.dropFirst(files.root.count + 1)) : given, bytes: bytes), name
            )
        case nil:
            // Lower case is tried when the usual name isn't there.
            var name = "Dockerfile"
            if try await files.path(of: name) == nil, try await files.path(of: "dockerfile") != nil {
                name = "dockerfile"
            }
            return (SourceFile(name: name, bytes: try await read(name, named: name, in: files)), name)
        }
    }

    /// `<Dockerfile>.dockerignore` when it exists, even empty, else `.dockerignore` of the context; never both (IGN-1).
    private func ignorePatterns(
        forDockerfile dockerfile: String?,
        in files: ContextFiles
    ) async throws -> IgnorePatterns? {
        for name in [dockerfile.map { $0 + ".dockerignore" }, ".dockerignore"].compactMap(\.self) {
            guard let path = try await files.path(of: name) else { continue }
            let shown = name.split(separator: "/").last.map(String.init) ?? name
            return try await pool.run { try IgnoreFile.read(path, named: shown) }
        }
        return nil
    }

    private func read(_ file: String, named name: String, in files: ContextFiles) async throws -> [UInt8] {
        guard let path = try await files.path(of: file) else {
            throw BuildError(
                .failure,
                "failed to read dockerfile: open \(name): no such file or directory",
                hints: ["name it with -f, or run in the directory that has it"]
            )
        }
        return try await pool.run {
            do throws(StreamError) {
                return try FileSource.open(path).readAll(limit: Self.dockerfileLimit)
            } catch {
                throw BuildError(.failure, "failed to read dockerfile: \(error.message)")
            }
        }
    }

    private static func read(_ input: PeekingInput) throws(BuildError) -> [UInt8] {
        do throws(StreamError) {
            return try input.readAll(limit: dockerfileLimit)
        } catch {
            throw BuildError("failed to read dockerfile: standard input: \(error.message)")
        }
    }
}

/// The files of a context by name, for what is read of it beside COPY.
private struct ContextFiles: Sendable {
    /// Absolute.
    let root: String
    private let pool: BlockingPool
    private let tree: ContextTree?

    /// A directory of the user's, who may have links to anywhere in it.
    init(root: String, pool: BlockingPool) {
        self.root = root
        self.pool = pool
        tree = nil
    }

    /// A directory that somebody else has filled: its links are followed inside of it only.
    init(foreign root: String, pool: BlockingPool) async throws {
        self.root = root
        self.pool = pool
        tree = try await ContextTree.open(root, ignoring: nil, pool: pool)
    }

    var isForeign: Bool { tree != nil }

    /// Where something is, without a link where the files are foreign; nil when it isn't there.
    ///
    /// - Parameters:
    ///   - name: Relative; or absolute where the files are the user's.
    ///   - kind: What it must be where the files are foreign.
    func path(of name: String, _ kind: EntryKind = .file) async throws -> String? {
        guard let tree else {
            let path = name.hasPrefix("/") ? name : "\(root)/\(name)"
            // What may not be looked at is not missing; to read it says why.
            return try await pool.run { unsafe access(path, F_OK) == 0 || errno == EACCES ? path : nil }
        }
        let found = try await tree.resolve(Array(name.utf8))
        guard found.entry?.kind == kind else { return nil }
        return found.path.isEmpty ? root : "\(root)/\(String(decoding: found.path, as: UTF8.self))"
    }
}

/// Questions about paths.
enum PathKind {
    case directory
    case file
    case missing

    static func of(_ path: String) -> PathKind {
        isDirectory(path) ? .directory : exists(path) ? .file : .missing
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    static func isDirectory(_ path: String) -> Bool {
        var info = stat()
        return unsafe stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }
}
