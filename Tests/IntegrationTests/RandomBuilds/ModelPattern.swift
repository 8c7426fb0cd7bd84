/// A pattern of `.dockerignore`, `--exclude` or a wildcard whose meaning is plain.
enum ModelPattern: Sendable {
    /// Exactly this path, and what lies below.
    case path(String)
    /// `**/*.ext`: at any depth.
    case anywhere(suffix: String)
    /// `dir/*.ext`: in one directory (or at the top).
    case directly(in: String, suffix: String)

    var text: String {
        switch self {
        case .path(let path): path
        case .anywhere(let suffix): "**/*" + suffix
        case .directly(let directory, let suffix): ModelPath.join(directory, "*" + suffix)
        }
    }

    func matches(_ path: String) -> Bool {
        switch self {
        case .path(let own): path == own
        case .anywhere(let suffix): ModelPath.name(path).hasSuffix(suffix)
        case .directly(let directory, let suffix):
            ModelPath.parent(path) == directory && ModelPath.name(path).hasSuffix(suffix)
        }
    }

    /// Whether a path or a directory above it matches (IGN-5).
    func covers(_ path: String) -> Bool { ModelPath.prefixes(path).contains(where: matches) }
}
