import ImgDockerfile
import ImgReport
import ImgStream
import ImgTree

extension CopyRun {
    /// `--parents`: the path of each match is kept below the destination (CP-36…CP-40).
    mutating func copyWithParents(_ operand: [UInt8]) async throws(BuildError) {
        let (left, right) = splitPivot(operand)
        let pattern = TreePath.relative(right)
        let isLiteral = !Wildcards.areIn(left) && !isIncludePattern(pattern)
        if pattern.isEmpty { throw BuildError(.failure, "\"\(TreePath.relative(left).shown)\": not found") }
        for root in try await parentsRoots(TreePath.relative(left), isLiteral: isLiteral, pattern: pattern) {
            try await copyParents(
                from: root,
                matching: pattern,
                isLiteral: isLiteral,
                shown: TreePath.join(root, pattern)
            )
        }
        _ = try await tree.makeDirectories(destination, like: impliedDirectory)
    }

    private func splitPivot(_ operand: [UInt8]) -> (left: [UInt8], right: [UInt8]) {
        let pivot = Array("/./".utf8)
        guard operand.count >= 3,
            let start = (0...operand.count - 3).first(where: { operand[$0..<$0 + 3] == pivot[...] })
        else { return ([], operand) }
        return (Array(operand[..<start]), Array(operand[(start + 3)...]))
    }

    private func parentsRoots(
        _ left: [UInt8],
        isLiteral: Bool,
        pattern: [UInt8]
    ) async throws(BuildError) -> [[UInt8]] {
        if Wildcards.areIn(left) {
            var roots: [[UInt8]] = []
            for match in try await wildcardMatches(left) {
                // Followed as a match of a plain COPY is (CP-8).
                let resolution = try await source.resolve(match.path)
                if resolution.entry?.isDirectory == true { roots.append(resolution.path) }
            }
            return roots
        }
        let resolution = try await source.resolve(left)
        if resolution.entry?.isDirectory == true { return [resolution.path] }
        if isLiteral { _ = try await existing(TreePath.join(left, pattern)) }
        return []
    }

    private mutating func copyParents(
        from root: [UInt8],
        matching pattern: [UInt8],
        isLiteral: Bool,
        shown: [UInt8]
    ) async throws(BuildError) {
        // Directories up to the first wildcard are known by name; only what lies below them is walked.
        var walk: [Entry] = []
        var reached = root
        let components = pattern.split(separator: UInt8(ascii: "/"))
        for (place, component) in components.enumerated() {
            if isIncludePattern(component) { break }
            let path = TreePath.join(reached, component)
            guard let entry = try await source.lookup(path) else {
                if isLiteral { throw await missing(shown) }
                return
            }
            walk.append(entry)
            guard entry.isDirectory else {
                if place + 1 < components.count {
                    if isLiteral { throw await missing(shown) }
                    return
                }
                break
            }
            reached = path
        }
        if walk.last?.isDirectory != false { walk += try await source.descendants(of: reached) }
        let prefix = root.isEmpty ? 0 : root.count + 1
        let include = try IgnorePatterns(
            patterns: [String(decoding: pattern, as: UTF8.self)],
            trimmingSlash: false
        )
        let wanted = PatternFilter(include: include, exclude: exclude).apply(to: walk) { Array($0.path[prefix...]) }
        if wanted.isEmpty { return }
        let top = try await tree.makeDirectories(destination, like: impliedDirectory)
        try await copy(wanted, of: source, dropping: prefix, into: top)
    }

    private func missing(_ path: [UInt8]) async -> BuildError {
        BuildError(.failure, "\"\(path.shown)\": not found", hints: await source.hints(forMissing: path))
    }

    private func isIncludePattern(_ text: some Sequence<UInt8>) -> Bool {
        text.contains { [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "\\")].contains($0) }
    }
}
