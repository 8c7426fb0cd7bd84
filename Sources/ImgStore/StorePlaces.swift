import Glibc
import ImgStream
import Synchronization

/// A directory that holds blobs and drafts.
struct StorePlace: Sendable {
    /// Absolute.
    var path: String

    var drafts: String { "\(path)/drafts" }

    /// One file for each build that runs.
    var marks: String { "\(path)/running" }

    /// Creates the directories; 0 or the error number.
    ///
    /// Others may read the layers of private images only if the user has let them into the directory.
    func prepare() -> Int32 {
        let status = StoreFiles.makeDirectory(path, mode: 0o700)
        guard status == 0 else { return status }
        for name in ["blobs/sha256", "drafts"] {
            let status = StoreFiles.makeDirectory("\(path)/\(name)")
            guard status == 0 else { return status }
        }
        return unsafe access(drafts, W_OK) == 0 ? 0 : errno
    }

    func remove() { TemporaryTree.remove(path) }

    /// A prepared directory of this process below another one, for this user only.
    static func temporary(in directory: String) throws(StreamError) -> StorePlace {
        guard let path = TemporaryTree.make(in: directory, "imgbuild-\(getpid())") else {
            throw .io(errno, "cannot make a directory in \(directory)")
        }
        let place = StorePlace(path: path)
        let status = place.prepare()
        guard status == 0 else { throw .io(status, "cannot write to \(path)") }
        return place
    }
}

/// The temporary place for blobs that the cache has no room for; opened when first needed.
final class StoreOverflow: Sendable {
    private let directory: String
    private let place = Mutex<StorePlace?>(nil)

    init(directory: String) {
        self.directory = directory
    }

    deinit { remove() }

    func remove() {
        place.withLock { place in
            place?.remove()
            place = nil
        }
    }

    /// Nil while everything fits into the cache.
    var opened: StorePlace? { place.withLock { $0 } }

    func open() throws(StreamError) -> StorePlace {
        let result: Result<StorePlace, StreamError> = place.withLock { place in
            if let place { return .success(place) }
            do throws(StreamError) {
                let fresh = try StorePlace.temporary(in: directory)
                place = fresh
                return .success(fresh)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
