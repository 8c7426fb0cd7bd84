import ImgOCI

/// Text on its way to terminals and logs.
///
/// Names, messages and files of strangers are in it. Their control characters could move the cursor or set a window's
/// title, and lines of CI logs can be commands to the service.
enum TerminalText {
    /// One line, of which no character acts: those that would are written as in JSON.
    ///
    /// JSON stays the same JSON.
    static func line(_ text: String) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7f).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: ":") }) {
            return text
        }
        let scalars = Array(text.unicodeScalars)
        var out = String.UnicodeScalarView()
        for (index, scalar) in scalars.enumerated() {
            let acts =
                switch scalar {
                case ":": index + 1 < scalars.count && scalars[index + 1] == ":" && isBlank(scalars[..<index])
                case "#": beginsCommand(scalars[(index + 1)...])
                default: isControl(scalar)
                }
            if acts { out.append(contentsOf: escape(scalar).unicodeScalars) } else { out.append(scalar) }
        }
        return String(out)
    }

    /// Whether GitHub's runner would take `::` after it for a command.
    private static func isBlank(_ scalars: ArraySlice<Unicode.Scalar>) -> Bool {
        scalars.allSatisfy(\.properties.isWhitespace)
    }

    /// `##[`, `##vso[`, `##teamcity[` and their like, less the first sign; some services look for them in the middle, too.
    private static func beginsCommand(_ scalars: ArraySlice<Unicode.Scalar>) -> Bool {
        guard scalars.first == "#" else { return false }
        return scalars.dropFirst().first { !$0.properties.isAlphabetic } == "["
    }

    /// Characters without a shape of their own; a tab only makes room.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09: false
        case 0..<0x20, 0x7f..<0xa0: true
        // Separators of lines, and what turns the direction of text that follows.
        case 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        if scalar == "\n" { return "\\n" }
        let hex = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    }
}

extension JSON {
    /// Indented for people.
    var lines: [String] { text(indent: 2).split(separator: "\n").map(String.init) }
}
