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
            return Result(text: expansion.text, unset: expansion.unset)
        } catch {
            throw BuildError("failed to process \(Self.quoted(word)): \(error)", at: range)
        }
    }

    /// Whether a word says the same without any variables (EXP-2).
    static func isPlain(_ word: String) -> Bool {
        (try? WordExpander(escape: UInt8(ascii: "\\")).expand(word) { _ in nil })?.text == word
    }
}
