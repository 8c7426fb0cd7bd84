import ImgHTTP
import ImgOCI
import Synchronization

/// One upload session of a registry: where it is now and how much it has.
struct UploadSession: Sendable {
    /// Its number in this process.
    let id: UInt64
    /// Absolute; each reply may move it (PUSH-15).
    var url: String
    /// From `OCI-Chunk-Min-Length`.
    var minimumChunk: Int64 = 0

    private static let count = Atomic<UInt64>(0)

    init(url: String) {
        id = Self.count.add(1, ordering: .relaxed).newValue
        self.url = url
    }

    /// The closing URL: `digest` is added to what the server sent, byte for byte (PUSH-16).
    static func closing(_ url: String, _ digest: Digest) -> String {
        let encoded = PercentEncoding.encode(digest.description)
        guard url.contains("?") else { return "\(url)?digest=\(encoded)" }
        return url.hasSuffix("?") || url.hasSuffix("&") ? "\(url)digest=\(encoded)" : "\(url)&digest=\(encoded)"
    }

    /// The next offset from a `Range: 0-<last>` header; nil when it says nothing certain (PUSH-18).
    static func offset(fromRange text: String) -> Int64? {
        let bare = text.hasPrefix("bytes=") ? String(text.dropFirst(6)) : text
        guard bare.hasPrefix("0-") else { return nil }
        let last = bare.dropFirst(2)
        if last == "-1" { return 0 }
        guard let value = Int64(last), value >= 0, value < .max else { return nil }
        return value == 0 ? 0 : value + 1
    }
}

/// A session that holds the first bytes of a blob, perhaps none.
struct OpenUpload: Sendable {
    var session: UploadSession
    /// Bytes that the registry has.
    var sent: Int64 = 0
}

/// Upload sessions that no reply has closed; they are given back when a run ends early (RETRY-8).
final class OpenUploads: Sendable {
    private let open = Mutex<[UInt64: (session: Session, url: String)]>([:])

    func note(_ upload: UploadSession, _ session: Session) {
        open.withLock { $0[upload.id] = (session, upload.url) }
    }

    func close(_ id: UInt64) { open.withLock { $0[id] = nil } }

    func takeAll() -> [(session: Session, url: String)] {
        open.withLock { open in
            defer { open = [:] }
            return Array(open.values)
        }
    }
}

extension Session {
    /// Cancels an upload session; whatever the registry answers is fine (PUSH-19).
    func cancelUpload(at url: String, within limit: Duration) async {
        var call = Call(.delete, .absolute(url), .write, "cancel an upload")
        call.isRepeatable = false
        call.timeLimit = limit
        call.weight = .held
        _ = try? await send(call).drain()
    }
}

extension Repository {
    /// Tells the registry to forget a session (PUSH-19).
    func giveBack(_ upload: UploadSession) async {
        // A cancelled task can't ask for anything: ``RegistryClient/cancelUploads()`` does so when the run ends.
        guard !Task.isCancelled else { return }
        client.openUploads.close(upload.id)
        await session.cancelUpload(at: upload.url, within: .seconds(5))
    }
}

extension RegistryClient {
    /// Who interrupts a program does not wait for long.
    private static let patience = Duration.seconds(1)

    /// Gives back the upload sessions that are open, whether or not this task is cancelled.
    package func cancelUploads() async {
        let open = openUploads.takeAll()
        guard !open.isEmpty else { return }
        await Task {
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try? await Task.sleep(for: Self.patience)
                    return true
                }
                for upload in open {
                    group.addTask {
                        await upload.session.cancelUpload(at: upload.url, within: Self.patience)
                        return false
                    }
                }
                var left = open.count
                while left > 0, await group.next() == false { left -= 1 }
                group.cancelAll()
            }
        }
        .value
    }
}
