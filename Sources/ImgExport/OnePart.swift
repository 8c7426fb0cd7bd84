import ImgOCI
import Synchronization

/// Bytes that are handed out once.
final class OnePart: Sendable {
    private let bytes: Mutex<[UInt8]?>

    init(_ bytes: [UInt8]) {
        self.bytes = Mutex(bytes)
    }

    func take() -> [UInt8]? {
        bytes.withLock { held in
            defer { held = nil }
            return held
        }
    }
}

extension ImageGraph {
    /// Whether a blob of a base has the longer digest.
    var hasSHA512: Bool { blobs.contains { $0.descriptor.digest.algorithm == .sha512 } }
}
