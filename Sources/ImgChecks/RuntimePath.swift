/// Paths as they are when the container runs.
enum RuntimePath {
    static func absolute(_ path: String, from directory: String) -> String {
        path.hasPrefix("/") ? path : "\(directory)/\(path)"
    }

    /// Whether the kernel or the runtime puts something there, whatever the image has.
    static func isKernels(_ path: String) -> Bool { ["/proc", "/sys", "/dev"].contains { isInside(path, $0) } }

    static func isInside(_ path: String, _ directory: String) -> Bool {
        let directory = directory.hasSuffix("/") ? String(directory.dropLast()) : directory
        return path == directory || path.hasPrefix(directory + "/")
    }
}

/// `PATH` of a container, or what runtimes take when there is none.
struct SearchPath: Sendable {
    let directories: [String]

    init(environment: [String], workingDirectory: String) {
        let value = environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) }
        directories = (value ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .split(separator: ":").map { RuntimePath.absolute(String($0), from: workingDirectory) }
    }
}
