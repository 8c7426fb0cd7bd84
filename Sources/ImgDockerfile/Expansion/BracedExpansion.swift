/// A `${name…}` whose parts have been expanded, waiting for the variable's value (EXP-8).
struct BracedExpansion {
    let name: String
    /// The characters that select the form: `:-`, `#`, `/`, or `}` for the plain one.
    var modifier: [UInt8]
    /// `w` or `p`.
    var operand: [UInt8] = []
    /// `r`.
    var replacement: [UInt8] = []
    /// `//` and not `/`.
    var replacesAll = false

    init(name: String, modifier: [UInt8]) {
        self.name = name
        self.modifier = modifier
    }

    var unsupported: ShellError {
        ShellError(message: "unsupported modifier (\(TextBytes.text(modifier))) in substitution")
    }

    /// What the expansion stands for.
    ///
    /// - Parameter value: nil when the variable is unset.
    func result(for value: [UInt8]?, limit: Int) throws(ShellError) -> [UInt8] {
        let countsEmptyAsUnset = modifier.first == UInt8(ascii: ":")
        let isMissing = value == nil || (countsEmptyAsUnset && value?.isEmpty == true)
        switch TextBytes.text(modifier) {
        case "}": return value ?? []
        case "-", ":-": return isMissing ? operand : value ?? []
        case "+", ":+": return isMissing ? [] : operand
        case "?", ":?":
            guard isMissing else { return value ?? [] }
            let reason = value == nil ? "is not allowed to be unset" : "is not allowed to be empty"
            throw ShellError(message: "\(name): \(operand.isEmpty ? reason : TextBytes.text(operand))")
        case "#": return try trimmed(value ?? [], isSuffix: false)
        case "%": return try trimmed(value ?? [], isSuffix: true)
        case "/":
            let pattern = try pattern(operand)
            return try pattern.replacing(in: value ?? [], with: replacement, all: replacesAll, limit: limit)
        default: throw unsupported
        }
    }

    /// `#`, `##`, `%` and `%%`: a doubled modifier is the first character of the operand.
    private func trimmed(_ value: [UInt8], isSuffix: Bool) throws(ShellError) -> [UInt8] {
        let isLongest = !operand.isEmpty && operand.first == modifier.first
        let pattern = try pattern(isLongest ? Array(operand.dropFirst()) : operand)
        return isSuffix
            ? pattern.trimmingSuffix(of: value, longest: isLongest)
            : pattern.trimmingPrefix(of: value, longest: isLongest)
    }

    private func pattern(_ text: [UInt8]) throws(ShellError) -> ShellPattern {
        do {
            return try ShellPattern(text)
        } catch {
            throw ShellError(
                message: "invalid pattern (\(TextBytes.text(text))) in substitution: \(error.message)"
            )
        }
    }
}
