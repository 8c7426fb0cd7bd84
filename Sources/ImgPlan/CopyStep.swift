/// A COPY or ADD with everything expanded.
package struct CopyStep: Sendable, Hashable {
    package enum Verb: String, Sendable, Hashable {
        case copy = "COPY"
        case add = "ADD"
    }

    /// A heredoc operand (HD-10).
    package struct HeredocFile: Sendable, Hashable {
        package var name: String
        package var bytes: [UInt8]

        package init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    package var verb: Verb
    /// In operand order.
    package var sources: [CopySource]
    package var from: CopyOrigin
    /// Copied after `sources` (HD-11).
    package var heredocs: [HeredocFile] = []
    /// Absolute, not cleaned: a trailing `/` or `/.` says something (CP-9).
    package var destination: String
    package var owner: ChownSpec?
    package var chmod: ChmodSpec?
    /// False when `--chmod` is there (CP-42).
    package var link = false
    package var parents = false
    /// As written, in order.
    package var excludes: [String] = []
    /// nil: ADD unpacks local archives, and nothing else is unpacked (ARC-1, URL-5).
    package var unpack: Bool?
    /// `sha256:…` of a URL, or the start of a commit ID.
    package var checksum: String?
    package var keepGitDir: Bool?

    package init(verb: Verb, sources: [CopySource], from: CopyOrigin, destination: String) {
        self.verb = verb
        self.sources = sources
        self.from = from
        self.destination = destination
    }

    /// Everything of a context at the root of an image (STG-14).
    package static func wholeContext(_ context: NamedContext) -> CopyStep {
        CopyStep(verb: .copy, sources: [.path("/")], from: .named(context), destination: "/")
    }
}

/// Where the paths of a COPY lie.
package enum CopyOrigin: Sendable, Hashable {
    case context
    /// Index into the plan's stages.
    case stage(Int)
    case image(BaseRequest)
    case named(NamedContext)
}

/// One source operand.
package enum CopySource: Sendable, Hashable {
    /// Expanded, as written.
    case path(String)
    case url(String)
    case git(GitReference)
}
