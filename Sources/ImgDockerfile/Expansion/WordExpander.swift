/// Why a word cannot be expanded.
package struct ExpansionError: Error, Sendable, Hashable {
    /// For people; names the word (EXP-6).
    package let message: String
}

/// The result of expanding one text.
package struct Expansion: Sendable, Hashable {
    /// Expanded, quotes and escapes removed.
    package var text: String
    /// The same split at unquoted spaces, for EXPOSE; empty unless asked for.
    package var words: [String]
    /// Names that were looked up, each once, in order.
    package var usedNames: [String]
    /// Those of them that have no value, `${x:-w}` included; for lint (`UndefinedVar`).
    package var unsetNames: [String]
}

/// Expands `$name`, `${name…}`, quotes and escapes (EXP-3…EXP-12).
package struct WordExpander: Sendable, Hashable {
    private static let heredocLimit = 16 << 20

    /// `\` or a back tick.
    package let escape: UInt8

    package init(escape: UInt8 = UInt8(ascii: "\\")) { self.escape = escape }

    /// Expands one word; spaces in values do not split it.
    ///
    /// - Parameters:
    ///   - word: As written.
    ///   - variables: The value of a name; nil when it is unset.
    package func expand(_ word: String, variables: (String) -> String?) throws(ExpansionError) -> Expansion {
        try run(word, .init(escape: escape), variables, splits: false)
    }

    /// Expands one operand of EXPOSE, which is split at unquoted spaces afterwards and may yield nothing (CFG-5).
    package func expandWords(_ word: String, variables: (String) -> String?) throws(ExpansionError) -> Expansion {
        try run(word, .init(escape: escape), variables, splits: true)
    }

    /// Expands the body of a heredoc: quotes are ordinary, the escape is always `\`, every `\c` becomes `c` (HD-8).
    package func expandHeredoc(_ body: String, variables: (String) -> String?) throws(ExpansionError) -> Expansion {
        try run(body, .init(hasQuotes: false, limit: Self.heredocLimit), variables, splits: false)
    }

    /// A message is no place for the whole of a large heredoc.
    private static func shown(_ word: String) -> String {
        let limit = 1000
        guard word.utf8.count > limit else { return word.goQuoted }
        return TextBytes.text(word.utf8.prefix(limit)).goQuoted + "…"
    }

    private func run(
        _ word: String,
        _ options: ShellWord.Options,
        _ variables: (String) -> String?,
        splits: Bool
    ) throws(ExpansionError) -> Expansion {
        try withoutActuallyEscaping(variables) { variables throws(ExpansionError) in
            var pass = ShellWord(Array(word.utf8), options: options, variables: variables)
            do throws(ShellError) {
                let text = TextBytes.text(try pass.expanded())
                return Expansion(
                    text: text,
                    words: splits ? pass.finishedWords().map { TextBytes.text($0) } : [],
                    usedNames: pass.used,
                    unsetNames: pass.unset
                )
            } catch {
                throw ExpansionError(message: "failed to process \(Self.shown(word)): \(error.message)")
            }
        }
    }
}
