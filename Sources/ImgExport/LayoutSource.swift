import Glibc
package import ImgOCI
import ImgReport
import ImgStream
package import ImgTasks
import Synchronization

/// An image in an OCI layout directory.
package struct LayoutSource: ImageSource {
    package let layout: OCILayout
    private let tag: String?
    private let digest: Digest?
    private let pool: BlockingPool

    package init(path: String, tag: String?, digest: Digest?, pool: BlockingPool) async throws {
        layout = try await pool.run { try OCILayout.open(path) }
        self.tag = tag
        self.digest = digest
        self.pool = pool
    }

    package var name: String { layout.path }
    package var repository: ImageReference? { nil }

    package func resolve() async throws -> ImageGraph.Content {
        let (layout, tag, digest) = (layout, tag, digest)
        return try await pool.run {
            let descriptor = try layout.select(tag: tag, digest: digest)
            return ImageGraph.Content(descriptor: descriptor, bytes: try layout.read(descriptor, limit: 8 << 20))
        }
    }

    package func manifest(_ descriptor: Descriptor) async throws -> [UInt8] {
        try await blob(descriptor, limit: 8 << 20)
    }

    package func blob(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] {
        let layout = layout
        return try await pool.run { try layout.read(descriptor, limit: limit) }
    }

    package func holds(_ descriptor: Descriptor) async -> Bool {
        let path = layout.blobPath(descriptor.digest)
        return (try? await pool.run { LocalFiles.size(path) == descriptor.size }) ?? false
    }

    package func stream(_ descriptor: Descriptor) async throws -> ContentStream {
        let reader = try VerifyingFileReader(
            path: layout.blobPath(descriptor.digest),
            descriptor: descriptor,
            place: name
        )
        let pool = pool
        return ContentStream { try await pool.run { try reader.next() } }
    }
}

/// Reads a file in chunks and compares size and digest before the last one is given out.
final class VerifyingFileReader: Sendable {
    private struct State {
        var check: DigestCheck
        var position: Int64 = 0
    }

    private let descriptor: Descriptor
    private let place: String
    private let file: Int32
    private let state: Mutex<State>

    init(path: String, descriptor: Descriptor, place: String) throws(BuildError) {
        self.descriptor = descriptor
        self.place = place
        // A link could lead to any file of this machine (LAY-5).
        file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            guard errno == ELOOP else { throw BuildError(.notFound, "\(place) has no blob \(descriptor.digest)") }
            throw BuildError("blob \(descriptor.digest) of \(place) is a symbolic link, which is not followed")
        }
        state = Mutex(State(check: DigestCheck(descriptor.digest.algorithm)))
    }

    deinit { close(file) }

    func next() throws -> [UInt8]? {
        try state.withLock { state in
            var chunk = [UInt8](repeating: 0, count: 256 << 10)
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe pread(file, $0.baseAddress, $0.count, off_t(state.position))
            }
            guard count >= 0 else { throw LocalFiles.failure("read blob \(descriptor.digest) of", place) }
            chunk.removeLast(chunk.count - count)
            unsafe chunk.withUnsafeBytes { unsafe state.check.update($0) }
            state.position += Int64(count)
            // Before the last bytes are given out: who knows the size stops reading there.
            if count == 0 || state.position >= descriptor.size {
                guard state.position == descriptor.size, state.check.matches(descriptor.digest) else {
                    throw BuildError("blob \(descriptor.digest) of \(place) has other content than its name says")
                }
            }
            return chunk.isEmpty ? nil : chunk
        }
    }
}
