package import ImgReport

/// An owner as written: `user[:group]` (CP-25).
package struct ChownSpec: Sendable, Hashable {
    /// One half of it.
    package enum Account: Sendable, Hashable {
        case id(UInt32)
        /// To be looked up in the stage.
        case name(String)
    }

    /// nil when empty: `:staff`.
    package var user: Account?
    /// nil when there is no `:`.
    package var group: Account?

    package init(user: Account?, group: Account? = nil) {
        self.user = user
        self.group = group
    }

    /// Never fails: what is no number is a name.
    package init(parsing text: String) {
        guard let colon = text.firstIndex(of: ":") else {
            user = Self.account(text)
            group = nil
            return
        }
        user = Self.account(String(text[..<colon]))
        // An empty group is not the user's own but 0 (CP-27).
        group = Self.account(String(text[text.index(after: colon)...])) ?? .id(0)
    }

    private static func account(_ text: String) -> Account? {
        if text.isEmpty { return nil }
        if text == "root" { return .id(0) }
        guard let number = Int32(text) else { return .name(text) }
        // chown(2) takes -1 as "leave it", and a new file is root's.
        return .id(number == -1 ? 0 : UInt32(bitPattern: number))
    }

    /// The first name, with what it names: a file system is needed to know its number (CP-28).
    var nameToResolve: (kind: String, name: String)? {
        if case .name(let name) = user { return ("user", name) }
        if case .name(let name) = group { return ("group", name) }
        return nil
    }
}

extension BuildError {
    /// A name that cannot be looked up anywhere (CP-28); the reference's own words stand in brackets.
    package static func noFileSystem(_ kind: String, _ name: String, at range: SourceRange?) -> BuildError {
        BuildError(
            "cannot resolve \(kind) \"\(name)\": the stage has no file system yet (invalid user index: -1)",
            at: range,
            hints: ["use a numeric id"]
        )
    }
}
