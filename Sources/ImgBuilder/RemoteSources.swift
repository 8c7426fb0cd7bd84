import ImgHTTP
import ImgLayers
import ImgOCI
import ImgPlan
import ImgRegistry
import ImgReport
import ImgStream
import ImgTasks
import Synchronization

/// Fetches what ADD names by URL or git reference.
final class RemoteSources: Sendable {
    private let downloads: Downloads
    private let git: GitCommand
    private let scratch: ScratchDirectories
    private let pool: BlockingPool
    /// One fetch per operand, however many platforms want it.
    private let files = OnceMap<String, Downloads.Download>()
    private let checkouts = OnceMap<GitReference, GitCommand.Checkout>()
    private let slots = Limiter(limit: 4)

    init(downloads: Downloads, git: GitCommand, scratch: ScratchDirectories, pool: BlockingPool) {
        self.downloads = downloads
        self.git = git
        self.scratch = scratch
        self.pool = pool
    }

    /// Begins with everything that steps will ask for, a few at a time; what fails is reported at its step.
    func fetchAhead(_ steps: [CopyStep]) async {
        await withTaskGroup(of: Void.self) { group in
            for step in steps {
                for source in step.sources {
                    group.addTask { [self] in
                        switch source {
                        case .path: break
                        case .url(let url): _ = try? await download(url, checksum: step.checksum)
                        case .git(let reference): _ = try? await checkout(reference, checksum: step.checksum)
                        }
                    }
                }
            }
        }
    }

    /// What became of the operands that are no paths, by position.
    func fetch(_ step: CopyStep, at range: SourceRange?) async throws -> [Int: FetchedSource] {
        var fetched: [Int: FetchedSource] = [:]
        for (position, source) in step.sources.enumerated() {
            do {
                switch source {
                case .path: continue
                case .url(let url): fetched[position] = .file(try await file(url, checksum: step.checksum))
                case .git(let reference): fetched[position] = .directory(try await tree(reference, step))
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                throw BuildError(describing: error).located(at: range)
            }
        }
        return fetched
    }

    /// `Last-Modified` of a URL; without it the time of the newest file of an archive, and nil for anything else (REP-2).
    func time(of url: String, checksum: String?) async throws -> Timestamp? {
        let download = try await download(url, checksum: checksum)
        if let time = download.lastModified { return time }
        return try await pool.run { download.file.content.newestMember() }
    }

    /// Committer time of a git source (REP-2).
    func time(of reference: GitReference, checksum: String?) async throws -> Timestamp {
        Timestamp(seconds: try await checkout(reference, checksum: checksum).time)
    }

    private func file(_ url: String, checksum: String?) async throws -> FetchedFile {
        try await download(url, checksum: checksum).file
    }

    private func download(_ url: String, checksum: String?) async throws -> Downloads.Download {
        try await files.value(for: "\(checksum ?? "") \(url)") { [downloads, slots] in
            try await slots.withSlot { try await downloads.file(url, checksum: checksum) }
        }
    }

    /// The work tree of a git source, checked out once.
    func checkout(_ reference: GitReference, checksum: String?) async throws -> GitCommand.Checkout {
        let (git, scratch, slots) = (git, scratch, slots)
        let checkout = try await checkouts.value(for: reference) {
            try await slots.withSlot {
                let directory = try await scratch.make("git")
                return try await git.checkout(
                    reference.remote,
                    ref: reference.ref,
                    submodules: reference.submodules,
                    into: directory
                )
            }
        }
        if let wanted = checksum ?? reference.checksum, !checkout.commit.hasPrefix(wanted) {
            throw BuildError("expected checksum to match \(wanted), got \(checkout.commit)")
        }
        return checkout
    }

    private func tree(_ reference: GitReference, _ step: CopyStep) async throws -> any SourceTree {
        let checkout = try await checkout(reference, checksum: step.checksum)
        return try await CheckoutTree.open(
            checkout.path,
            time: Timestamp(seconds: checkout.time),
            subdirectory: reference.subdir,
            keepsGitDirectory: reference.subdir == nil && (step.keepGitDir ?? reference.keepGitDir ?? false),
            pool: pool
        )
    }
}

/// Downloads files over HTTP into scratch files.
struct Downloads: Sendable {
    let http: HTTPClient
    let trust: ServerTrust
    let environment: [String: String]
    let pool: BlockingPool
    let spoolDirectory: String

    /// Redirects are followed this many times.
    private static let maxHops = 10

    /// A file and when its server says it changed.
    struct Download: Sendable {
        var file: FetchedFile
        var lastModified: Timestamp?
    }

    /// Fetches a URL (URL-1…4).
    /// - Parameter checksum: `sha256:…` or `sha512:…`, compared with the content.
    func file(_ url: String, checksum: String?) async throws -> Download {
        let expected = try checksum.map { text in
            do {
                return try Digest(parsing: text)
            } catch {
                throw BuildError("invalid checksum digest format: \(error)")
            }
        }
        let response = try await get(url)
        let (pool, directory) = (pool, spoolDirectory)
        let spool = try await pool.run { try SpoolFile.create(in: directory) }
        let hash = expected.map { RunningHash($0.algorithm) }
        for try await chunk in response.body {
            try await pool.run {
                try spool.append(chunk.span)
                hash?.update(chunk)
            }
        }
        if let expected, let hash, hash.text != expected.description {
            throw BuildError("digest mismatch \(hash.text): \(expected)", notes: ["url: \(URLMask.mask(url))"])
        }
        let time = response.headers["Last-Modified"].flatMap(HTTPDate.parse).map { Timestamp(seconds: $0) }
        let file = FetchedFile(
            name: Self.fileName(url),
            content: .spool(file: spool, offset: 0, size: spool.size),
            mtime: time ?? .epoch
        )
        return Download(file: file, lastModified: time)
    }

    private func get(_ url: String) async throws -> HTTPResponse {
        var current = Self.escapingBlanks(url)
        for _ in 0...Self.maxHops {
            guard let parts = URLParts(current) else { throw BuildError("invalid URL \(URLMask.mask(current))") }
            var request = HTTPRequest(method: .get, url: current)
            request.proxy = ProxySelection.proxy(for: parts, environment: environment)
            request.tls = try await trust.settings(for: parts)
            let response = try await http.send(request)
            switch response.status {
            case 301, 302, 303, 307, 308:
                guard let location = response.headers["location"], let next = parts.resolving(location) else {
                    throw BuildError("\(URLMask.mask(current)) redirects to nowhere")
                }
                if current.hasPrefix("https://"), next.hasPrefix("http://") {
                    throw BuildError("\(URLMask.mask(current)) redirects from https to http")
                }
                current = next
            case 200..<400: return response
            default:
                throw BuildError(
                    response.status == 404 ? .notFound : .failure,
                    "invalid response status \(response.status)",
                    notes: ["url: \(URLMask.mask(current))"]
                )
            }
        }
        throw BuildError("\(URLMask.mask(url)) redirects more than \(Self.maxHops) times")
    }

    /// A URL as it is asked for: blanks in its path, which Go's parser takes, are written as `%20`.
    static func escapingBlanks(_ url: String) -> String {
        guard let marker = url.firstRange(of: "://"),
            let path = url[marker.upperBound...].firstIndex(where: { "/?#".contains($0) })
        else { return url }
        let end = url[path...].firstIndex { $0 == "?" || $0 == "#" } ?? url.endIndex
        let escaped = url[path..<end].split(separator: " ", omittingEmptySubsequences: false).joined(separator: "%20")
        return url[..<path] + escaped + url[end...]
    }

    /// Last element of the URL's decoded path (URL-1).
    static func fileName(_ url: String) -> [UInt8] {
        let path = url.prefix { $0 != "?" && $0 != "#" }
        let afterScheme = path.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false).last ?? path
        guard let slash = afterScheme.firstIndex(of: "/") else { return Array("__unnamed__".utf8) }
        // Slashes at the end don't count, and an encoded one separates too.
        let decoded = PercentCoding.decode(Array(afterScheme[slash...].utf8))
        let name = decoded.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? []
        let isUsable = !name.isEmpty && name != Array(".".utf8) && name != Array("..".utf8)
        return isUsable ? name : Array("__unnamed__".utf8)
    }
}

/// A digest of bytes that are fed from one thread after another.
private final class RunningHash: Sendable {
    private let hash: Mutex<DigestCheck>

    init(_ algorithm: Digest.Algorithm) {
        hash = Mutex(DigestCheck(algorithm))
    }

    func update(_ bytes: [UInt8]) { hash.withLock { $0.update(bytes) } }

    /// `sha256:…` of what was fed so far.
    var text: String { hash.withLock { $0.text } }
}

/// `%41` in URLs.
enum PercentCoding {
    /// Malformed escapes stay as they are.
    static func decode(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = bytes[index + 1].hexValue,
                let low = bytes[index + 2].hexValue
            {
                out.append(high << 4 | low)
                index += 3
            } else {
                out.append(bytes[index])
                index += 1
            }
        }
        return out
    }
}
