import Glibc
import ImgDockerfile
import ImgLayers
import ImgOCI
import ImgPlan
import ImgReport
import ImgStream
import ImgTasks

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
        _ location: DockerfileLocation?,
        time: Timestamp? = nil,
        ignoresFiles: Bool = true
    ) async throws -> MainContext {
        var isDirectory = false
        isDirectory = try await pool.run { PathKind.isDirectory(path) }
        guard isDirectory else {
            throw BuildError(
                .failure,
                "unable to prepare context: \(name) is not a directory",
                hints: ["give a directory, a .tar file, a git URL, or - for standard input"]
            )
        }
        let (dockerfile, dockerfilePath) = try await dockerfile(location, in: path)
        let ignore = try await pool.run {
            guard ignoresFiles else { return nil as IgnorePatterns? }
            return try IgnoreFile.read(forDockerfile: dockerfilePath, context: path)
        }
        let tree = try await ContextTree.open(path, ignoring: ignore, pool: pool)
        return MainContext(tree: tree, dockerfile: dockerfile, ignore: ignore, time: time)
    }

    private func empty(_ location: DockerfileLocation?) async throws -> MainContext {
        let directory = try await scratch.make("context")
        return try await self.directory(directory, named: "the empty context", location)
    }

    /// An ignore file says nothing about a repository (IGN-12).
    private func checkout(_ url: String, _ location: DockerfileLocation?) async throws -> MainContext {
        guard let reference = try GitReference(recognising: url) else {
            throw BuildError(.usage, "\(url) is not a git URL")
        }
        let directory = try await scratch.make("git")
        let checkout = try await git.checkout(
            reference.remote,
            ref: reference.ref,
            submodules: reference.submodules,
            into: directory
        )
        var root = checkout.path
        if let subdirectory = reference.subdir { root += "/" + PathCleaning.clean("/" + subdirectory).dropFirst() }
        let time = Timestamp(seconds: checkout.time)
        let inner = location.map { location in
            if case .file(let path) = location { return DockerfileLocation.file("\(root)/\(path)") }
            return location
        }
        var context = try await self.directory(root, named: url, inner, time: time, ignoresFiles: false)
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
        try await pool.run {
            do throws(StreamError) {
                try ContextArchive.unpack(try open(), into: directory)
            } catch {
                throw BuildError("cannot read the context \(name): \(error.message)")
            }
        }
        let inner = location.map { location in
            if case .file(let path) = location { return DockerfileLocation.file("\(directory)/\(path)") }
            return location
        }
        return try await self.directory(directory, named: name, inner)
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

    /// Text and path; the path is nil when it came from elsewhere (IGN-1).
    private func dockerfile(
        _ location: DockerfileLocation?,
        in context: String
    ) async throws -> (SourceFile, String?) {
        switch location {
        case .text(let bytes, let name)?: return (SourceFile(name: name, bytes: bytes), nil)
        case .standardInput?:
            let bytes = try await pool.run { try Self.read(PeekingInput()) }
            return (SourceFile(name: "Dockerfile", bytes: bytes), nil)
        case .file(let path)?:
            let absolute = environment.absolute(path)
            let bytes = try await pool.run { try Self.read(absolute, named: path) }
            let shown = absolute.hasPrefix(context + "/") ? String(absolute.dropFirst(context.count + 1)) : path
            return (SourceFile(name: shown, bytes: bytes), absolute)
        case nil:
            // Lower case is tried when the usual name isn't there.
            let names = ["Dockerfile", "dockerfile"]
            let name = try await pool.run { names.first { PathKind.exists("\(context)/\($0)") } ?? names[0] }
            let bytes = try await pool.run { try Self.read("\(context)/\(name)", named: name) }
            return (SourceFile(name: name, bytes: bytes), "\(context)/\(name)")
        }
    }

    private static func read(_ input: PeekingInput) throws(BuildError) -> [UInt8] {
        do throws(StreamError) {
            return try input.readAll(limit: dockerfileLimit)
        } catch {
            throw BuildError("failed to read dockerfile: standard input: \(error.message)")
        }
    }

    private static func read(_ path: String, named name: String) throws -> [UInt8] {
        do throws(StreamError) {
            return try FileSource.open(path).readAll(limit: dockerfileLimit)
        } catch {
            if case .io(ENOENT) = error.code {
                throw BuildError(
                    .failure,
                    "failed to read dockerfile: open \(name): no such file or directory",
                    hints: ["name it with -f, or run in the directory that has it"]
                )
            }
            throw BuildError(.failure, "failed to read dockerfile: \(error.message)")
        }
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
