extension String {
    /// As Go's `%q` prints it: in double quotes, with escapes for what cannot be printed.
    package var goQuoted: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{07}": text += "\\a"
            case "\u{08}": text += "\\b"
            case "\u{0c}": text += "\\f"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0b}": text += "\\v"
            default:
                if scalar.isPrintable {
                    text.unicodeScalars.append(scalar)
                } else if scalar.value < 0x80 {
                    text += "\\x" + scalar.hexadecimal(digits: 2)
                } else if scalar.value < 0x10000 {
                    text += "\\u" + scalar.hexadecimal(digits: 4)
                } else {
                    text += "\\U" + scalar.hexadecimal(digits: 8)
                }
            }
        }
        return text + "\""
    }
}

extension [String] {
    /// As Go's `%q` prints a list: `["a" "b"]`.
    package var goQuoted: String { "[" + map(\.goQuoted).joined(separator: " ") + "]" }
}

extension Unicode.Scalar {
    /// Letters, marks, numbers, punctuation, symbols and the plain space.
    fileprivate var isPrintable: Bool {
        if isASCII { return (0x20..<0x7f).contains(value) }
        return switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            false
        default: true
        }
    }

    fileprivate func hexadecimal(digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
