package import ImgDockerfile
package import ImgReport
import ImgStream
package import ImgTasks
package import ImgTree
import Synchronization

/// A build context on disk: read as far as asked, each directory once, ignored paths left out.
///
/// Entries belong to root; links are never followed on disk (CTX-2, CTX-3). The tree shows the directory as it was
/// when each part was first read.
package final class ContextTree: SourceTree {
    private let index: Mutex<ContextIndex>
    private let patterns: IgnorePatterns?
    private let pool: BlockingPool
    private let root: DirectoryRoot

    private init(root: DirectoryRoot, patterns: IgnorePatterns?, pool: BlockingPool) {
        self.root = root
        self.patterns = patterns
        self.pool = pool
        index = Mutex(ContextIndex(root: root, patterns: patterns))
    }

    /// Opens a directory.
    ///
    /// - Parameters:
    ///   - path: Links on the way to it are followed.
    ///   - patterns: Of its ignore file, if it has one (IGN-12).
    package static func open(
        _ path: String,
        ignoring patterns: IgnorePatterns?,
        pool: BlockingPool
    ) async throws(BuildError) -> ContextTree {
        try await pool.building {
            ContextTree(root: try DirectoryRoot.open(path), patterns: patterns, pool: pool)
        }
    }

    package func lookup(_ path: [UInt8]) async throws(BuildError) -> Entry? {
        try await pool.building { [self] in try index.withLock { try $0.lookup(path) } }
    }

    package func children(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        try await pool.building { [self] in try index.withLock { try $0.children(of: directory) } }
    }

    package func descendants(of directory: [UInt8]) async throws(BuildError) -> [Entry] {
        try await pool.building { [self] in try index.withLock { try $0.descendants(of: directory) } }
    }

    package func readAhead(_ path: [UInt8]) async {
        // Whoever needs what cannot be read will say so.
        try? await pool.building { [self] in try index.withLock { try $0.readAll(below: path) } }
    }

    package func resolve(_ path: [UInt8], followLast: Bool = true) async throws(BuildError) -> Resolution {
        try await pool.building { [self] in
            try index.withLock { index throws(BuildError) in
                try Resolution.of(path, followLast: followLast) { path throws(BuildError) in try index.lookup(path) }
            }
        }
    }

    package func forget() {
        index.withLock { $0 = ContextIndex(root: root, patterns: patterns) }
    }

    package func content(of entry: Entry) -> ContentRef? {
        guard entry.kind == .file else { return nil }
        if entry.size == 0 { return .bytes([]) }
        // Hard links of one file have one state, that of the name which was read first.
        guard let identity = index.withLock({ $0.identity(of: entry) }) else { return nil }
        return .file(path: ContextPath(root: root.path, relative: entry.path), size: entry.size, identity: identity)
    }

    package func hints(forMissing path: [UInt8]) async -> [String] {
        let found = try? await pool.building { [self] () throws(BuildError) in
            try index.withLock { index throws(BuildError) in
                try index.ignoringPattern(of: path).map { (pattern: $0.pattern, path: $0.path) }
            }
        }
        if let found = found ?? nil, let patterns { return [explanation(patterns, found.pattern, found.path)] }
        return await similarNames(to: path)
    }

    private func explanation(_ patterns: IgnorePatterns, _ position: Int, _ path: [UInt8]) -> String {
        let pattern = patterns.patterns[position]
        let place = patterns.file.map { "\($0.name):\(pattern.line)" } ?? "line \(pattern.line)"
        return "\(path.shown) is excluded by the pattern \"\(pattern.text)\" (\(place))"
    }
}

extension BlockingPool {
    /// Runs blocking work and gives its error its type back; cancellation becomes `.interrupted`.
    func building<T: Sendable>(_ work: @Sendable @escaping () throws -> T) async throws(BuildError) -> T {
        do {
            return try await run(work)
        } catch {
            throw BuildError(wrapping: error)
        }
    }
}
