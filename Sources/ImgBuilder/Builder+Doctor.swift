public import ImgOCI
public import ImgReport

/// What stands between this machine and a repository.
public struct DoctorReport: Sendable {
    /// One thing that was looked at.
    public struct Finding: Sendable, Hashable {
        /// What it means for pulls and pushes.
        public enum Verdict: String, Sendable, Hashable {
            case ok
            /// Works, and deserves attention.
            case warn
            case fail
        }

        /// How it is.
        public var verdict: Verdict
        /// A short word: `dns`, `tls`, `push`.
        public var name: String
        /// For people; no secrets.
        public var detail: String

        /// Makes it from its parts, as tests without a builder need it.
        public init(verdict: Verdict, name: String, detail: String) {
            self.verdict = verdict
            self.name = name
            self.detail = detail
        }
    }

    /// In the order of the way to the registry; what can't be known after a failure is left out.
    public var findings: [Finding]

    /// Makes it from its parts, as tests without a builder need it.
    public init(findings: [Finding]) {
        self.findings = findings
    }

    /// Whether anything does not work.
    public var fails: Bool { findings.contains { $0.verdict == .fail } }
}

extension Builder {
    /// Looks at everything between this machine and a repository, one thing after the other.
    ///
    /// - Parameters:
    ///   - reference: Names the repository; its tag need not exist.
    ///   - triesPush: Whether an upload is opened, and cancelled, to see if pushing is allowed.
    public func doctor(_ reference: ImageReference, triesPush: Bool) async throws(BuildError) -> DoctorReport {
        try await perform { session in
            try await RegistryDoctor(session: session, reference: reference, triesPush: triesPush).examine()
        }
    }
}
