import ImgDockerfile
import ImgReport
import ImgStream
import ImgTree

/// Wildcards in source paths (CP-3…CP-5); another language than that of `.dockerignore`.
enum Wildcards {
    /// Whether a path has an unescaped `*`, `?` or `[`.
    static func areIn(_ path: some Sequence<UInt8>) -> Bool {
        var isEscaped = false
        for byte in path {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "[")].contains(byte) {
                return true
            }
        }
        return false
    }

    /// The components before the first one with a wildcard, and the rest.
    static func split(_ path: [UInt8]) -> (base: [UInt8], pattern: [ArraySlice<UInt8>]) {
        let components = path.split(separator: UInt8(ascii: "/"))
        let first = components.firstIndex { areIn($0) } ?? components.count
        return (Array(components[..<first].joined(separator: [UInt8(ascii: "/")])), Array(components[first...]))
    }

    /// What matches below a directory, in walk order; a directory that matches is not entered (CP-3).
    static func matches(
        of pattern: [ArraySlice<UInt8>],
        below directory: [UInt8],
        in source: any SourceTree
    ) async throws(BuildError) -> [Entry] {
        guard let component = pattern.first else { return [] }
        let isLast = pattern.count == 1
        var found: [Entry] = []
        for entry in try await source.children(of: directory) {
            guard try isMatch(Array(component), Array(TreePath.name(entry.path))) else { continue }
            if isLast {
                found.append(entry)
            } else if entry.isDirectory {
                found += try await matches(of: Array(pattern.dropFirst()), below: entry.path, in: source)
            }
        }
        return found
    }

    private static func isMatch(_ pattern: [UInt8], _ name: [UInt8]) throws(BuildError) -> Bool {
        do { return try PathMatch.match(pattern: pattern, name: name) } catch {
            throw BuildError(.failure, "syntax error in pattern \"\(String(decoding: pattern, as: UTF8.self))\"")
        }
    }
}
