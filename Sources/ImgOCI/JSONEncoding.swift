extension JSON {
    /// The value as UTF-8 text, members in their order, `/` not escaped, no trailing newline (MT-27).
    /// - Parameter indent: Spaces per level; 0 gives the compact form.
    public func encoded(indent: Int = 0) -> [UInt8] {
        var writer = JSONWriter(indent: indent)
        writer.write(self, level: 0)
        return writer.out
    }

    /// ``encoded(indent:)`` as a string.
    package func text(indent: Int = 0) -> String { String(decoding: encoded(indent: indent), as: UTF8.self) }
}

private struct JSONWriter {
    let indent: Int
    var out: [UInt8] = []

    init(indent: Int) {
        self.indent = indent
    }

    mutating func write(_ value: JSON, level: Int) {
        switch value {
        case .null: put("null")
        case .bool(let flag): put(flag ? "true" : "false")
        case .integer(let number): put(String(number))
        case .number(let lexeme): put(lexeme)
        case .string(let text): write(text)
        case .array(let elements):
            open("[")
            for (position, element) in elements.enumerated() {
                separate(position, level + 1)
                write(element, level: level + 1)
            }
            close("]", isEmpty: elements.isEmpty, level)
        case .object(let object):
            open("{")
            for (position, member) in object.members.enumerated() {
                separate(position, level + 1)
                write(member.key)
                put(indent > 0 ? ": " : ":")
                write(member.value, level: level + 1)
            }
            close("}", isEmpty: object.isEmpty, level)
        }
    }

    private mutating func put(_ text: String) { out.append(contentsOf: text.utf8) }

    private mutating func open(_ bracket: String) { put(bracket) }

    private mutating func separate(_ position: Int, _ level: Int) {
        if position > 0 { put(",") }
        newline(level)
    }

    private mutating func close(_ bracket: String, isEmpty: Bool, _ level: Int) {
        if !isEmpty { newline(level) }
        put(bracket)
    }

    private mutating func newline(_ level: Int) {
        guard indent > 0 else { return }
        put("\n")
        out.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent * level))
    }

    private mutating func write(_ text: String) {
        put("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): put("\\\"")
            case UInt8(ascii: "\\"): put("\\\\")
            case 0x08: put("\\b")
            case 0x0c: put("\\f")
            case 0x0a: put("\\n")
            case 0x0d: put("\\r")
            case 0x09: put("\\t")
            case 0x00..<0x20: put("\\u00" + Hex.encode(CollectionOfOne(byte)))
            default: out.append(byte)
            }
        }
        put("\"")
    }
}
