/// Wildcards in the sources of COPY and ADD: the language of Go's `filepath.Match` (CP-4).
///
/// `*` is a run without slashes, `?` one character but a slash, `[^…]` a negated class (`!` negates nothing), `\c` a
/// literal.
package enum PathMatch {
    /// The pattern is malformed.
    package struct SyntaxError: Error, Sendable, Hashable {
        package init() {}
    }

    /// Whether all of `name` matches.
    package static func match(pattern: [UInt8], name: [UInt8]) throws(SyntaxError) -> Bool {
        try compile(pattern).matches(name)
    }

    static func compile(_ pattern: [UInt8]) throws(SyntaxError) -> Glob {
        var glob = Glob()
        var place = 0
        while place < pattern.count {
            let byte = pattern[place]
            place += 1
            switch byte {
            case UInt8(ascii: "*"):
                glob.append(.run)
            case UInt8(ascii: "?"):
                glob.append(.anyCharacter)
            case UInt8(ascii: "["):
                guard let set = CharacterClass.parse(pattern, at: &place) else { throw SyntaxError() }
                glob.append(.characters(set))
            case UInt8(ascii: "\\"):
                guard place < pattern.count else { throw SyntaxError() }
                glob.append(literal: CollectionOfOne(pattern[place]))
                place += 1
            default:
                glob.append(literal: CollectionOfOne(byte))
            }
        }
        return glob
    }
}
