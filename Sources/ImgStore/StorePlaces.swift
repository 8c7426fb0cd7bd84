import Glibc
import ImgStream
import Synchronization

/// A directory that holds blobs and drafts.
struct StorePlace: Sendable {
    /// Absolute.
    var path: String

    var drafts: String { "\(path)/drafts" }

    /// Creates the directories; 0 or the error number.
    func prepare() -> Int32 {
        for name in ["blobs/sha256", "drafts"] {
            let status = StoreFiles.makeDirectory("\(path)/\(name)")
            guard status == 0 else { return status }
        }
        return unsafe access(drafts, W_OK) == 0 ? 0 : errno
    }

    func remove() { StoreFiles.removeTree(path) }

    /// A directory of this process below another one.
    static func temporary(in directory: String) -> StorePlace {
        StorePlace(path: "\(directory)/imgbuild-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36))")
    }
}

/// The temporary place for blobs that the cache has no room for; opened when first needed.
final class StoreOverflow: Sendable {
    private let directory: String
    private let place = Mutex<StorePlace?>(nil)

    init(directory: String) {
        self.directory = directory
    }

    deinit { place.withLock { $0 }?.remove() }

    /// Nil while everything fits into the cache.
    var opened: StorePlace? { place.withLock { $0 } }

    func open() throws(StreamError) -> StorePlace {
        let result: Result<StorePlace, StreamError> = place.withLock { place in
            if let place { return .success(place) }
            let fresh = StorePlace.temporary(in: directory)
            let status = fresh.prepare()
            guard status == 0 else { return .failure(.io(status, "cannot write to \(fresh.path)")) }
            place = fresh
            return .success(fresh)
        }
        return try result.get()
    }
}
