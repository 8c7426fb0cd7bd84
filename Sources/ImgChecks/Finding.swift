import ImgOCI
package import ImgReport

/// The names of the checks; they are stable and documented in `docs/checks.md`.
package enum CheckRule: String, Sendable, CaseIterable {
    case wrongArchitecture = "wrong-architecture"
    case identicalExecutables = "identical-executables"
    case secretFile = "secret-file"
    case gitDirectory = "git-directory"
    case entrypointNotFound = "entrypoint-not-found"
    case entrypointNotExecutable = "entrypoint-not-executable"
    case entrypointIsDirectory = "entrypoint-is-directory"
    case interpreterNotFound = "interpreter-not-found"
    case libraryNotFound = "library-not-found"
    case libcTooOld = "libc-too-old"
    case shebangInterpreterNotFound = "shebang-interpreter-not-found"
    case shebangCRLF = "shebang-crlf"
    case execFormat = "exec-format"
    case userNotFound = "user-not-found"
    case workdirNotDirectory = "workdir-not-directory"
    case shellNotFound = "shell-not-found"
    case noCommand = "no-command"
    case platformMissing = "platform-missing"
    case defaultPlatformMissing = "default-platform-missing"
    case indexNotSupported = "index-not-supported"
    case compressionNotSupported = "compression-not-supported"
    case mixedCompression = "mixed-compression"
    case mixedMediaTypes = "mixed-media-types"
    case historyMissing = "history-missing"
    case parentDirectoryMissing = "parent-directory-missing"

    package func finding(
        _ severity: Diagnostic.Severity,
        _ message: String,
        path: String? = nil,
        at range: SourceRange? = nil,
        remedy: String
    ) -> Diagnostic {
        Diagnostic(
            severity,
            message,
            rule: rawValue,
            at: range,
            notes: path.map { ["path: \($0)"] } ?? [],
            hints: [remedy]
        )
    }
}
