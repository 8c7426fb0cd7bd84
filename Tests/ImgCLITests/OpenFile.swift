import Glibc

/// A file open for writing as long as this lives.
final class OpenFile: Sendable {
    struct Failure: Error {
        var number: Int32
    }

    let descriptor: Int32

    init(_ path: String) throws {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failure(number: errno) }
    }

    deinit {
        close(descriptor)
    }
}
