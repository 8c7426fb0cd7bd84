/// The texts of the leaf elements of a small XML document, as STS answers (AWS-4).
///
/// Knows elements, text, CDATA, comments and the predefined entities. Document type declarations and entities of their
/// own are refused, and with them every kind of expansion.
struct XMLText: Hashable, Sendable {
    private var texts: [[String]: String] = [:]

    /// - Returns: nil when the document isn't well formed or uses more than the above.
    init?(parsing bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var rest = text[...]
        var path: [String] = []
        var content = ""
        while let open = rest.firstIndex(of: "<") {
            guard let decoded = Self.decoded(rest[..<open]) else { return nil }
            content += decoded
            rest = rest[open...]
            if let skipped = Self.skipping(rest, from: "<?", to: "?>") ?? Self.skipping(rest, from: "<!--", to: "-->") {
                rest = skipped
                continue
            }
            if let (data, after) = Self.characterData(rest) {
                content += data
                rest = after
                continue
            }
            guard !rest.hasPrefix("<!"), let close = rest.firstIndex(of: ">") else { return nil }
            let tag = rest[rest.index(after: rest.startIndex)..<close]
            rest = rest[rest.index(after: close)...]
            if tag.hasPrefix("/") {
                guard tag.dropFirst().trimmed() == path.last else { return nil }
                if texts[path] == nil { texts[path] = content.trimmed() }
                path.removeLast()
            } else {
                let name = String(tag.prefix { !$0.isWhitespace && $0 != "/" })
                guard !name.isEmpty, path.count < 32 else { return nil }
                path.append(name)
                if tag.hasSuffix("/") {
                    texts[path] = ""
                    path.removeLast()
                }
            }
            content = ""
        }
        guard path.isEmpty, !texts.isEmpty, rest.trimmed().isEmpty else { return nil }
    }

    /// The text of the first element whose path ends like this.
    func text(_ tail: String...) -> String? {
        texts.filter { $0.key.suffix(tail.count).elementsEqual(tail) }
            .min { $0.key.count < $1.key.count }
            .map(\.value)
    }

    private static func skipping(_ text: Substring, from start: String, to end: String) -> Substring? {
        guard text.hasPrefix(start), let range = text.firstRange(of: end) else { return nil }
        return text[range.upperBound...]
    }

    private static func characterData(_ text: Substring) -> (String, Substring)? {
        let start = "<![CDATA["
        guard text.hasPrefix(start), let end = text.firstRange(of: "]]>") else { return nil }
        return (String(text.dropFirst(start.count)[..<end.lowerBound]), text[end.upperBound...])
    }

    private static func decoded(_ text: Substring) -> String? {
        guard text.contains("&") else { return String(text) }
        var out = ""
        var rest = text
        while let ampersand = rest.firstIndex(of: "&") {
            out += rest[..<ampersand]
            guard let end = rest[ampersand...].firstIndex(of: ";"),
                let character = entity(rest[rest.index(after: ampersand)..<end])
            else { return nil }
            out.unicodeScalars.append(character)
            rest = rest[rest.index(after: end)...]
        }
        return out + rest
    }

    private static func entity(_ name: Substring) -> Unicode.Scalar? {
        switch name {
        case "amp": "&"
        case "lt": "<"
        case "gt": ">"
        case "quot": "\""
        case "apos": "'"
        case _ where name.hasPrefix("#x"): UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
        case _ where name.hasPrefix("#"): UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init)
        default: nil
        }
    }
}
