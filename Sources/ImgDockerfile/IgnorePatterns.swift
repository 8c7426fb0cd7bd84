import ImgOCI
package import ImgReport

/// The patterns of a `.dockerignore`, of `--exclude` or of `--parents`, applied top-down (IGN-2…IGN-10).
package struct IgnorePatterns: Sendable, Hashable {
    /// Which patterns cover a directory, itself or through a parent; one per directory of a walk (IGN-6).
    package struct State: Sendable, Hashable {
        private var first: UInt64 = 0
        private var rest: [UInt64] = []

        fileprivate subscript(position: Int) -> Bool {
            get {
                if position < 64 { return first >> UInt64(position) & 1 == 1 }
                let word = position / 64 - 1
                return word < rest.count && rest[word] >> UInt64(position % 64) & 1 == 1
            }
            set {
                guard newValue else { return }
                if position < 64 {
                    first |= 1 << UInt64(position)
                } else {
                    let word = position / 64 - 1
                    while rest.count <= word { rest.append(0) }
                    rest[word] |= 1 << UInt64(position % 64)
                }
            }
        }
    }

    /// What the patterns say about one path.
    package struct Verdict: Sendable, Hashable {
        package var ignored: Bool
        /// For what lies below.
        package var state: State
        /// Position of the pattern that has the last word; nil when none applies.
        package var decidedBy: Int?
    }

    /// In file order.
    package let patterns: [IgnorePattern]
    /// The ignore file, for messages.
    package let file: SourceFile?

    /// Reads an ignore file.
    ///
    /// - Throws: `BuildError` for a lone `!` and for malformed patterns.
    package init(parsing bytes: [UInt8], file: SourceFile? = nil) throws(BuildError) {
        var found: [IgnorePattern] = []
        var body = bytes[...]
        if body.starts(with: [0xef, 0xbb, 0xbf]) { body = body.dropFirst(3) }
        for (number, line) in body.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            if line.first == UInt8(ascii: "#") { continue }
            let text = TextBytes.trimmed(line)
            if text.isEmpty { continue }
            do throws(BuildError) {
                if let pattern = try Self.pattern(Array(text), line: number + 1, trimmingSlash: true) {
                    found.append(pattern)
                }
            } catch {
                throw error.located(at: file.map { SourceRange(file: $0, lines: number + 1...number + 1) })
            }
        }
        patterns = found
        self.file = file
    }

    /// Takes patterns of a flag.
    ///
    /// - Parameter trimmingSlash: Whether one leading `/` is dropped, as in ignore files (CP-33).
    package init(patterns texts: [String], trimmingSlash: Bool) throws(BuildError) {
        var found: [IgnorePattern] = []
        for (number, text) in texts.enumerated() {
            let bytes = Array(TextBytes.trimmed(Array(text.utf8)))
            if bytes.isEmpty { continue }
            let pattern = try Self.pattern(bytes, line: number + 1, trimmingSlash: trimmingSlash)
            if let pattern { found.append(pattern) }
        }
        patterns = found
        file = nil
    }

    private static func pattern(
        _ text: [UInt8],
        line: Int,
        trimmingSlash: Bool
    ) throws(BuildError) -> IgnorePattern? {
        let shown = TextBytes.text(text)
        let isException = text.first == UInt8(ascii: "!")
        let bare = isException ? TextBytes.trimmed(text.dropFirst()) : text[...]
        guard !bare.isEmpty else { throw BuildError("illegal exclusion pattern: \"!\"") }
        var cleaned = PathCleaning.clean(Array(bare))
        if trimmingSlash, cleaned.count > 1, cleaned.first == UInt8(ascii: "/") { cleaned.removeFirst() }
        return try IgnorePattern(text: shown, line: line, isException: isException, cleaned: cleaned)
    }

    /// Whether any pattern starts with `!`.
    package var hasExceptions: Bool { patterns.contains(where: \.isException) }

    /// The state of the root.
    package var initialState: State { State() }

    /// Decides about one path, parents first (IGN-6).
    ///
    /// - Parameters:
    ///   - path: Relative, without a leading or trailing slash.
    ///   - parent: The state of the directory that holds it.
    package func evaluate(path: [UInt8], parent: State) -> Verdict {
        var verdict = Verdict(ignored: false, state: State(), decidedBy: nil)
        for (position, pattern) in patterns.enumerated() {
            if !parent[position] {
                if pattern.isException != verdict.ignored || !pattern.matches(path) { continue }
            }
            verdict.state[position] = true
            verdict.ignored = !pattern.isException
            verdict.decidedBy = position
        }
        return verdict
    }

    /// Decides about one path by way of its parents; for single questions, walks keep their states.
    package func ignores(path: [UInt8]) -> Verdict {
        var verdict = Verdict(ignored: false, state: initialState, decidedBy: nil)
        for end in path.indices where path[end] == UInt8(ascii: "/") {
            verdict = evaluate(path: Array(path[..<end]), parent: verdict.state)
        }
        return evaluate(path: path, parent: verdict.state)
    }

    /// Whether nothing below an ignored directory can come back through an exception (IGN-8).
    package func canPrune(_ directory: [UInt8]) -> Bool {
        !patterns.contains { $0.isException && $0.canMatch(below: directory) }
    }
}
