import ImgDockerfile
import ImgReport

/// Expands words of instructions, with errors that say where (§5).
struct Expander {
    private let words: WordExpander

    struct Result {
        var text: String
        /// Names that had no value, in order of use.
        var unset: [String]
    }

    init(escape: UInt8) {
        words = WordExpander(escape: escape)
    }

    func expand(_ word: String, _ variables: Variables, at range: SourceRange?) throws(BuildError) -> Result {
        do {
            let expansion = try words.expand(word) { variables[$0] }
            return Result(text: expansion.text, unset: expansion.unsetNames)
        } catch {
            throw BuildError(error.message, at: range)
        }
    }

    /// Split at unquoted spaces, as EXPOSE does; an empty result adds nothing.
    func split(_ word: String, _ variables: Variables, at range: SourceRange?) throws(BuildError) -> [String] {
        do {
            return try words.expandWords(word) { variables[$0] }.words
        } catch {
            throw BuildError(error.message, at: range)
        }
    }

    func expand(heredoc body: String, _ variables: Variables, at range: SourceRange?) throws(BuildError) -> Result {
        do {
            let expansion = try words.expandHeredoc(body) { variables[$0] }
            return Result(text: expansion.text, unset: expansion.unsetNames)
        } catch {
            throw BuildError(error.message, at: range)
        }
    }

    /// Whether a word says the same without any variables (EXP-2).
    static func isPlain(_ word: String) -> Bool {
        (try? WordExpander().expand(word) { _ in nil })?.text == word
    }
}
