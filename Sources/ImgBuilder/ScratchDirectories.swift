import Glibc
import ImgReport
import ImgStore
import ImgTasks
import Synchronization

/// Temporary directories of one run, for checkouts; removed at its end.
final class ScratchDirectories: Sendable {
    private let parent: String
    private let pool: BlockingPool
    private let made = Mutex<[String]>([])

    init(parent: String, pool: BlockingPool) {
        self.parent = parent
        self.pool = pool
    }

    /// An empty directory that only this user can enter.
    func make(_ purpose: String) async throws -> String {
        let parent = parent
        let path = try await pool.run {
            let path = TemporaryTree.make(in: parent, "imgbuild-\(purpose)")
            guard let path else {
                throw BuildError(
                    "cannot make a directory in \(parent): \(unsafe String(cString: strerror(errno)))",
                    hints: ["set TMPDIR"]
                )
            }
            return path
        }
        made.withLock { $0.append(path) }
        return path
    }

    /// Removes them all; called when nothing uses them any more.
    ///
    /// Blocks.
    func removeAll() {
        let paths = made.withLock { paths in
            defer { paths = [] }
            return paths
        }
        for path in paths { TemporaryTree.remove(path) }
    }
}
