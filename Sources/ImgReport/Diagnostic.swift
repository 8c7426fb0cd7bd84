/// What a person reads: one finding with its place, its reasons and its remedies.
///
/// Never thrown one by one.
public struct Diagnostic: Hashable, Sendable {
    /// How grave a finding is.
    public enum Severity: String, Hashable, Sendable {
        case error
        case warning
        case note
    }

    /// How grave it is.
    public var severity: Severity
    /// The name of a lint rule or check, such as `StageNameCasing` or `wrong-architecture`; nil for plain errors.
    public var rule: String?
    /// One sentence: what failed and why.
    public var message: String
    /// Where, in the Dockerfile or the ignore file.
    public var range: SourceRange?
    /// The part of `range` that is at fault, such as one operand; nil for all of it.
    public var focus: SourceRange?
    /// Further facts, one a line: server text, identity used, digests.
    public var notes: [String]
    /// What to do next, one a line.
    public var hints: [String]
    /// Documentation of the rule.
    public var url: String?

    /// Makes a finding; only severity and message are needed.
    public init(
        _ severity: Severity,
        _ message: String,
        rule: String? = nil,
        at range: SourceRange? = nil,
        notes: [String] = [],
        hints: [String] = [],
        url: String? = nil
    ) {
        self.severity = severity
        self.message = message
        self.rule = rule
        self.range = range
        self.focus = nil
        self.notes = notes
        self.hints = hints
        self.url = url
    }
}

/// A build, push or other command that failed, with everything there is to say about it.
public struct BuildError: Error, Sendable {
    /// What kind of failure it is; the raw value is the exit status of the command (OUT-3).
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The process's exit status.
        public let rawValue: Int32

        /// Adopts an exit status.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// The Dockerfile or the build is at fault.
        public static let failure = Code(rawValue: 1)
        /// The command line is at fault.
        public static let usage = Code(rawValue: 2)
        /// Authentication or permission.
        public static let denied = Code(rawValue: 3)
        /// An image, tag or repository that isn't there.
        public static let notFound = Code(rawValue: 4)
        /// Network or TLS.
        public static let network = Code(rawValue: 5)
        /// The registry refused the content.
        public static let refused = Code(rawValue: 6)
        /// Interrupted by a signal or cancelled by the embedder.
        public static let interrupted = Code(rawValue: 130)
    }

    /// What kind of failure it is.
    public var code: Code
    /// Never empty; the first is the cause.
    public var diagnostics: [Diagnostic]

    /// Collects findings; `diagnostics` must not be empty.
    public init(_ code: Code = .failure, diagnostics: [Diagnostic]) {
        self.code = code
        self.diagnostics = diagnostics
    }

    /// A failure with one cause.
    public init(
        _ code: Code,
        _ message: String,
        at range: SourceRange? = nil,
        notes: [String] = [],
        hints: [String] = []
    ) {
        self.code = code
        self.diagnostics = [Diagnostic(.error, message, at: range, notes: notes, hints: hints)]
    }

    /// A failure of the Dockerfile or the build with one cause.
    public init(_ message: String, at range: SourceRange? = nil, notes: [String] = [], hints: [String] = []) {
        self.init(.failure, message, at: range, notes: notes, hints: hints)
    }

    /// The same failure, located at `range` where it had no place yet.
    package func located(at range: SourceRange?) -> BuildError {
        var copy = self
        for index in copy.diagnostics.indices where copy.diagnostics[index].range == nil {
            copy.diagnostics[index].range = range
        }
        return copy
    }

    /// The same failure, pointing at a part of its place where it pointed at none yet.
    package func focused(on part: SourceRange?) -> BuildError {
        guard let part else { return self }
        var copy = self
        for index in copy.diagnostics.indices where copy.diagnostics[index].focus == nil {
            if copy.diagnostics[index].range != part { copy.diagnostics[index].focus = part }
        }
        return copy
    }
}

extension BuildError: CustomStringConvertible {
    /// The messages, one a line.
    public var description: String { diagnostics.map(\.message).joined(separator: "\n") }
}
