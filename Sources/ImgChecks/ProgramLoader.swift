/// The loader of a dynamic program (`PT_INTERP`), of a kind whose search for libraries is known.
struct ProgramLoader: Sendable {
    enum Kind: Sendable {
        case glibc
        case musl
    }

    /// As the program names it.
    let requested: String
    let kind: Kind
    /// Where it really is.
    let directory: String

    /// Nil for a loader of another kind: uClibc, Android.
    init?(requested: String, file: ImageFile, files: any ImageFiles) async throws {
        self.requested = requested
        directory = Self.parent(file.path)
        let names = [Self.name(requested), Self.name(file.path)]
        if names.contains(where: { $0.hasPrefix("ld-musl-") || $0.hasPrefix("libc.musl-") }) {
            kind = .musl
            return
        }
        guard names.contains(where: { $0.hasPrefix("ld-linux") || $0.hasPrefix("ld64.so") || $0.hasPrefix("ld.so") }),
            !names.contains(where: { $0.contains("uClibc") })
        else { return nil }
        // Alpine's gcompat goes by the name of glibc's loader and hands over to musl.
        let isGlibc = file.facts.map { $0.glibcDefined != nil || !$0.hasDynamicInfo } ?? true
        if !isGlibc, try await files.names(in: "/lib").contains(where: { $0.hasPrefix("ld-musl-") }) {
            kind = .musl
        } else {
            kind = .glibc
        }
    }

    /// Whether a library is the C library itself, which is there when the loader is.
    func isItself(_ library: String) -> Bool {
        if requested.hasSuffix("/\(library)") { return true }
        guard kind == .musl, library.hasPrefix("lib") else { return false }
        // musl's loader answers to every name that its parts have elsewhere.
        let rest = library.dropFirst(3)
        return ["c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."].contains { rest.hasPrefix($0) }
    }

    private static func name(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }

    private static func parent(_ path: String) -> String {
        path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    }
}
