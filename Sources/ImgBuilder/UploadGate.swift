import Synchronization

/// Lets a layer be uploaded while others are still made, until the checks have found a wrong one.
///
/// What a check rejects never becomes a blob, nor anything after it; the layers that were right are needed anyway when
/// the build is put right (`docs/architecture.md`).
final class UploadGate: Sendable {
    private let rejected = Mutex(false)
    /// Layers of this build wait until every check has spoken.
    private let waits: Bool

    init(waits: Bool) {
        self.waits = waits
    }

    /// Whether a layer that has just been made may go.
    var isOpen: Bool { !waits && !hasRejected }

    var hasRejected: Bool { rejected.withLock { $0 } }

    func reject() { rejected.withLock { $0 = true } }
}
