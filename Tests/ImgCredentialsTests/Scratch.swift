import Glibc
import ImgCredentials
import ImgOCI
import ImgReport
import ImgTasks

/// A directory of its own that goes away with the value.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/imgbuild-credentials-XXXXXX\0".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw ScratchError(reason: "mkdtemp failed") }
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        remove(path)
    }

    private func remove(_ path: String) {
        if let directory = unsafe opendir(path) {
            while let entry = unsafe readdir(directory) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
                }
                guard name != ".", name != ".." else { continue }
                var status = stat()
                guard unsafe lstat("\(path)/\(name)", &status) == 0 else { continue }
                if status.st_mode & S_IFMT == S_IFDIR {
                    remove("\(path)/\(name)")
                } else {
                    _ = unsafe unlink("\(path)/\(name)")
                }
            }
            _ = unsafe closedir(directory)
        }
        _ = unsafe rmdir(path)
    }

    /// Writes a file, overwriting what is there.
    func write(_ text: String, to name: String, mode: mode_t = 0o644) throws {
        let file = unsafe open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw ScratchError(reason: "cannot write \(name)") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw ScratchError(reason: "short write to \(name)") }
        fchmod(file, mode)
    }

    func read(_ name: String) async throws -> String? {
        try await LocalCredentialFiles(pool: .shared).read("\(path)/\(name)")
            .map { String(decoding: $0, as: UTF8.self) }
    }

    func mode(_ name: String) -> mode_t {
        var status = stat()
        _ = unsafe stat("\(path)/\(name)", &status)
        return status.st_mode & 0o7777
    }

    /// Links and their targets are not followed.
    func isSymbolicLink(_ name: String) -> Bool {
        var status = stat()
        _ = unsafe lstat("\(path)/\(name)", &status)
        return status.st_mode & S_IFMT == S_IFLNK
    }

    func link(_ name: String, to target: String) {
        _ = unsafe symlink(target, "\(path)/\(name)")
    }

    func names(in directory: String = "") -> [String] {
        guard let handle = unsafe opendir("\(path)/\(directory)") else { return [] }
        var names: [String] = []
        while let entry = unsafe readdir(handle) {
            unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                names.append(unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self)))
            }
        }
        _ = unsafe closedir(handle)
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }
}

struct ScratchError: Error {
    let reason: String
}

extension BlockingPool {
    /// One pool for all tests of this target.
    static let shared = BlockingPool(threads: 4)
}

extension Scratch {
    /// Real files and processes; the home directory is this one.
    func context(_ variables: [String: String] = [:], events: RecordedEvents = RecordedEvents()) -> CredentialContext {
        CredentialContext(
            environment: CredentialEnvironment(
                variables: ["PATH": "\(path):/usr/bin:/bin"].merging(variables) { $1 },
                home: path,
                now: {
                    var time = timespec()
                    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
                    return Timestamp(seconds: Int64(time.tv_sec))
                }
            ),
            files: LocalCredentialFiles(pool: .shared),
            processes: SubprocessRunner(pool: .shared),
            transport: ScriptedTransport.unreachable,
            events: events
        )
    }
}
