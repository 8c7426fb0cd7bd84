package import ImgOCI
import ImgReport
import ImgStream
package import ImgTasks
import Synchronization

/// An image in an OCI layout or archive.
package struct LayoutSource: ImageSource {
    package let layout: OCILayout
    private let tag: String?
    private let digest: Digest?
    private let pool: BlockingPool

    /// - Parameter directory: Where temporary files may lie.
    package init(
        path: String,
        tag: String?,
        digest: Digest?,
        spoolingTo directory: String,
        pool: BlockingPool
    ) async throws {
        layout = try await pool.run { try OCILayout.open(path, spoolingTo: directory) }
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
            let bytes = try layout.read(descriptor, limit: OCILayout.documentLimit)
            return ImageGraph.Content(descriptor: descriptor, bytes: bytes)
        }
    }

    package func manifest(_ descriptor: Descriptor) async throws -> [UInt8] {
        do {
            return try await blob(descriptor, limit: OCILayout.documentLimit)
        } catch var error as BuildError where error.code == .notFound {
            error.diagnostics[0].hints
                .append("an index may list images that were not saved with it: choose with --platform")
            throw error
        }
    }

    package func blob(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] {
        let layout = layout
        return try await pool.run { try layout.read(descriptor, limit: limit) }
    }

    package func holds(_ descriptor: Descriptor) async -> Bool {
        let layout = layout
        return (try? await pool.run { try layout.blob(descriptor.digest).size == descriptor.size }) ?? false
    }

    package func stream(_ descriptor: Descriptor) async throws -> ContentStream {
        let (layout, pool) = (layout, pool)
        let reader = try await pool.run {
            VerifyingFileReader(try layout.blob(descriptor.digest), descriptor: descriptor, place: layout.path)
        }
        return ContentStream { try await pool.run { try reader.next() } }
    }
}

/// Reads a file in chunks and compares size and digest before the last one is given out.
final class VerifyingFileReader: Sendable {
    private struct State {
        var check: DigestCheck
        var position: Int64 = 0
    }

    private let part: FilePart
    private let descriptor: Descriptor
    private let place: String
    private let state: Mutex<State>

    init(_ part: FilePart, descriptor: Descriptor, place: String) {
        self.part = part
        self.descriptor = descriptor
        self.place = place
        state = Mutex(State(check: DigestCheck(descriptor.digest.algorithm)))
    }

    /// A blob that is a file of its own.
    convenience init(path: String, descriptor: Descriptor, place: String) throws(BuildError) {
        let file: StoredFile
        do throws(StreamError) {
            file = try StoredFile.open(path, followsLinks: false)
        } catch {
            if error.isMissing { throw BuildError(.notFound, "\(place) has no blob \(descriptor.digest)") }
            throw BuildError("cannot read blob \(descriptor.digest) of \(place): \(error.message)")
        }
        self.init(file.whole, descriptor: descriptor, place: place)
    }

    func next() throws -> [UInt8]? {
        try state.withLock { state in
            let chunk: [UInt8]
            do throws(StreamError) {
                chunk = try part.chunk(at: state.position, 256 << 10)
            } catch {
                throw BuildError("cannot read blob \(descriptor.digest) of \(place): \(error.message)")
            }
            state.check.update(chunk)
            state.position += Int64(chunk.count)
            // Before the last bytes are given out: who knows the size stops reading there.
            if chunk.isEmpty || state.position >= descriptor.size {
                guard state.position == descriptor.size, state.check.matches(descriptor.digest) else {
                    throw BuildError("blob \(descriptor.digest) of \(place) has other content than its name says")
                }
            }
            return chunk.isEmpty ? nil : chunk
        }
    }
}
