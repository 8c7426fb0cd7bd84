import ImgHTTP
package import ImgOCI
import ImgTasks

/// The bytes of a blob to upload, able to be opened again at any offset.
package struct UploadBody: Sendable {
    /// Gives the bytes from a range's start on, chunk by chunk, up to its end at least; nil at the end.
    package typealias Opener = @Sendable (_ range: Range<Int64>) async throws -> @Sendable () async throws -> [UInt8]?

    private enum Source: Sendable {
        case bytes([UInt8])
        case file(String)
        case stream(Opener)
    }

    private let source: Source

    /// A small content in memory.
    package static func bytes(_ bytes: [UInt8]) -> UploadBody {
        UploadBody(source: .bytes(bytes))
    }

    /// A whole file, which must not change while it is sent.
    package static func file(_ path: String) -> UploadBody {
        UploadBody(source: .file(path))
    }

    /// Bytes from elsewhere; each attempt opens them anew.
    package static func stream(open: @escaping Opener) -> UploadBody {
        UploadBody(source: .stream(open))
    }

    /// A blob of another repository, passed on without touching the disk.
    package static func blob(_ descriptor: Descriptor, of repository: Repository) -> UploadBody {
        let relay = BlobRelay(descriptor, session: repository.session)
        return stream { range in
            guard range == 0..<descriptor.size else { return await relay.open(range) }
            let whole = BlobStream(session: repository.session, descriptor: descriptor)
            return { try await whole.next() }
        }
    }

    /// The bytes in `range`, as the body of a request.
    func body(_ range: Range<Int64>) async throws -> HTTPBody {
        let length = range.upperBound - range.lowerBound
        guard length > 0 else { return .empty }
        switch source {
        case .bytes(let bytes): return .bytes(Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
        case .file(let path): return .file(path: path, offset: range.lowerBound, length: length)
        case .stream(let open):
            let next = try await open(range)
            let limited = LimitedChunks(length: length)
            return .stream(length: length) { try await limited.next(from: next) }
        }
    }
}

/// Ends a stream of chunks after a number of bytes.
private actor LimitedChunks {
    private var rest: Int64

    init(length: Int64) {
        rest = length
    }

    func next(from source: @Sendable () async throws -> [UInt8]?) async throws -> [UInt8]? {
        guard rest > 0, let chunk = try await source() else { return nil }
        let kept = Int64(chunk.count) <= rest ? chunk : Array(chunk.prefix(Int(rest)))
        rest -= Int64(kept.count)
        return kept
    }
}

/// How a blob came to be in a repository.
package enum PushOutcome: Hashable, Sendable {
    /// It was there.
    case existed
    /// It was mounted from another repository of the registry.
    case mounted(from: String)
    /// It was sent.
    case uploaded(bytes: Int64)
}

/// Blobs of a run by where they are, each sent once to each place (PUSH-31).
final class UploadLedger: Sendable {
    struct Place: Hashable, Sendable {
        var host: String
        var path: String
        var digest: Digest
    }

    struct Content: Hashable, Sendable {
        var host: String
        var digest: Digest
    }

    /// The first repository of a host to get a blob, from which the others mount it.
    struct First: Sendable {
        var path: String
        var outcome: PushOutcome
    }

    let firsts = OnceMap<Content, First>()
    let outcomes = OnceMap<Place, PushOutcome>()
    let creations = OnceMap<String, Bool>()
}
