/// Why a word can't be expanded.
package struct ExpansionError: Error, Sendable, Hashable {
    /// For people; names the word once it has left the expander.
    package var message: String

    init(_ message: String) { self.message = message }
}

/// The result of expanding one text.
package struct Expansion: Sendable, Hashable {
    /// Expanded, quotes and escapes removed.
    package var text: String
    /// The same split at unquoted spaces, for EXPOSE; empty unless asked for.
    package var words: [String]
    /// Names that were looked up, each once, in order.
    package var usedNames: [String]
    /// Those of them that had no value, `${x:-w}` included.
    package var unsetNames: [String]
}

/// Expands `$name`, `${name…}`, quotes and escapes (EXP-3…EXP-12).
package struct WordExpander: Sendable, Hashable {
    /// `\` or a back tick.
    package var escape: UInt8

    package init(escape: UInt8 = UInt8(ascii: "\\")) { self.escape = escape }

    /// Expands one word; nothing is split.
    ///
    /// - Parameters:
    ///   - word: As written.
    ///   - variables: Looks a name up; nil when it is unset.
    /// - Throws: `ExpansionError`, whose message names the word (EXP-6).
    package func expand(_ word: String, variables: (String) -> String?) throws(ExpansionError) -> Expansion {
        try run(word, variables, isHeredoc: false, splits: false)
    }

    /// Expands one word and splits the result at unquoted spaces, as EXPOSE does.
    package func expandWords(_ word: String, variables: (String) -> String?) throws(ExpansionError) -> Expansion {
        try run(word, variables, isHeredoc: false, splits: true)
    }

    /// Expands the body of a heredoc: quotes are ordinary and `\` is always the escape token (HD-8).
    package func expandHeredoc(_ body: String, variables: (String) -> String?) throws(ExpansionError) -> Expansion {
        try WordExpander().run(body, variables, isHeredoc: true, splits: false)
    }

    private func run(
        _ word: String,
        _ variables: (String) -> String?,
        isHeredoc: Bool,
        splits: Bool
    ) throws(ExpansionError) -> Expansion {
        var scan = ExpansionScan(word, escape: Unicode.Scalar(escape), keepsQuotes: isHeredoc, splits: splits)
        let text: [Unicode.Scalar]
        do throws(ExpansionError) {
            text = try scan.text(upTo: nil, variables)
        } catch {
            throw ExpansionError("failed to process \(word.goQuoted): \(error.message)")
        }
        return Expansion(
            text: String(text),
            words: splits ? scan.finishedWords() : [],
            usedNames: scan.usedNames,
            unsetNames: scan.unsetNames
        )
    }
}
