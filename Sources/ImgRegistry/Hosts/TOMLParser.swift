extension TOML {
    static func parse(_ bytes: [UInt8]) throws(TOMLError) -> TOMLTable {
        var parser = TOMLParser(bytes: bytes)
        do {
            return try parser.document()
        } catch {
            var located = error
            located.line = bytes[..<min(parser.position, bytes.count)].count { $0 == 0x0a } + 1
            throw located
        }
    }
}

private struct TOMLParser {
    static let maxDepth = 32

    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func isAt(_ text: StaticString) -> Bool { bytes[position...].starts(with: "\(text)".utf8) }

    mutating func document() throws(TOMLError) -> TOMLTable {
        var root = TOMLTable()
        var path: [String] = []
        while true {
            skipBlank()
            guard let byte = current else { return root }
            if byte == UInt8(ascii: "[") {
                path = try header(&root)
            } else {
                try pair(into: &root, under: path)
            }
            skipSpace()
            guard current == nil || current == 0x0a || current == 0x0d || current == UInt8(ascii: "#") else {
                throw TOMLError("unexpected text after a value")
            }
        }
    }

    private mutating func header(_ root: inout TOMLTable) throws(TOMLError) -> [String] {
        let isArray = isAt("[[")
        position += isArray ? 2 : 1
        let path = try keyPath()
        guard isAt("]"), !isArray || isAt("]]") else { throw TOMLError("a table header is not closed") }
        position += isArray ? 2 : 1
        guard isArray, let last = path.last else {
            try root.update(at: path[...]) { _ in }
            return path
        }
        try root.update(at: path.dropLast()) { table throws(TOMLError) in
            var elements: [TOML] = []
            if let existing = table[last] {
                guard let array = existing.arrayValue else { throw TOMLError("\"\(last)\" is not an array of tables") }
                elements = array
            }
            table[last] = .array(elements + [.table(TOMLTable())])
        }
        return path
    }

    private mutating func pair(into table: inout TOMLTable, under path: [String]) throws(TOMLError) {
        let keys = path + (try keyPath())
        guard current == UInt8(ascii: "="), let last = keys.last else { throw TOMLError("expected '=' after a key") }
        position += 1
        skipSpace()
        let value = try self.value(depth: 0)
        try table.update(at: keys.dropLast()) { inner throws(TOMLError) in
            guard inner[last] == nil else { throw TOMLError("\"\(last)\" is set twice") }
            inner[last] = value
        }
    }

    private mutating func keyPath() throws(TOMLError) -> [String] {
        var path: [String] = []
        while true {
            skipSpace()
            path.append(try key())
            skipSpace()
            guard current == UInt8(ascii: ".") else { return path }
            position += 1
        }
    }

    private mutating func key() throws(TOMLError) -> String {
        if current == UInt8(ascii: "\"") || current == UInt8(ascii: "'") { return try string() }
        let start = position
        while let byte = current, Self.isBare(byte) { position += 1 }
        guard position > start else { throw TOMLError("expected a key") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private mutating func value(depth: Int) throws(TOMLError) -> TOML {
        guard depth < Self.maxDepth else { throw TOMLError("nested too deeply") }
        switch current {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
        case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
        case UInt8(ascii: "{"): return .table(try inlineTable(depth: depth + 1))
        default: return try word()
        }
    }

    private mutating func word() throws(TOMLError) -> TOML {
        let start = position
        while let byte = current, !" \t\r\n,]}#".utf8.contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        switch text {
        case "": throw TOMLError("expected a value")
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            if let number = Int64(text.filter { $0 != "_" }) { return .integer(number) }
            guard let first = text.utf8.first, (0x30...0x39).contains(first) || "+-in".utf8.contains(first) else {
                throw TOMLError("\"\(text)\" is not a value; strings need quotes")
            }
            return .other(text)
        }
    }

    private mutating func array(depth: Int) throws(TOMLError) -> [TOML] {
        position += 1
        var elements: [TOML] = []
        while true {
            skipBlank()
            if current == UInt8(ascii: "]") { break }
            elements.append(try value(depth: depth))
            skipBlank()
            guard current == UInt8(ascii: ",") else { break }
            position += 1
        }
        guard current == UInt8(ascii: "]") else { throw TOMLError("an array is not closed") }
        position += 1
        return elements
    }

    private mutating func inlineTable(depth: Int) throws(TOMLError) -> TOMLTable {
        position += 1
        var table = TOMLTable()
        while true {
            skipBlank()
            if current == UInt8(ascii: "}") { break }
            let path = try keyPath()
            guard current == UInt8(ascii: "="), let last = path.last else {
                throw TOMLError("expected '=' after a key")
            }
            position += 1
            skipSpace()
            let value = try self.value(depth: depth)
            try table.update(at: path.dropLast()) { $0[last] = value }
            skipBlank()
            guard current == UInt8(ascii: ",") else { break }
            position += 1
        }
        guard current == UInt8(ascii: "}") else { throw TOMLError("an inline table is not closed") }
        position += 1
        return table
    }

    private mutating func string() throws(TOMLError) -> String {
        for delimiter in ["\"\"\"", "'''"] where bytes[position...].starts(with: delimiter.utf8) {
            position += 3
            if current == 0x0d { position += 1 }
            if current == 0x0a { position += 1 }
            return try text(until: Array(delimiter.utf8), isMultiline: true)
        }
        let quote = bytes[position]
        position += 1
        return try text(until: [quote], isMultiline: false)
    }

    private mutating func text(until delimiter: [UInt8], isMultiline: Bool) throws(TOMLError) -> String {
        let isLiteral = delimiter[0] == UInt8(ascii: "'")
        var text: [UInt8] = []
        while let byte = current {
            if bytes[position...].starts(with: delimiter) {
                position += delimiter.count
                return String(decoding: text, as: UTF8.self)
            }
            if byte == 0x0a, !isMultiline { break }
            position += 1
            if byte == UInt8(ascii: "\\"), !isLiteral {
                try escape(into: &text)
            } else {
                text.append(byte)
            }
        }
        throw TOMLError("a string is not closed")
    }

    private mutating func escape(into text: inout [UInt8]) throws(TOMLError) {
        guard let byte = current else { throw TOMLError("a string is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(byte)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let width = byte == UInt8(ascii: "u") ? 4 : 8
            let digits = String(decoding: bytes[position..<min(position + width, bytes.count)], as: UTF8.self)
            guard digits.utf8.count == width, let number = UInt32(digits, radix: 16),
                let scalar = Unicode.Scalar(number)
            else { throw TOMLError("invalid escape in a string") }
            position += width
            text.append(contentsOf: String(Character(scalar)).utf8)
        case 0x0a, 0x0d, 0x20, 0x09:
            while let space = current, space == 0x0a || space == 0x0d || space == 0x20 || space == 0x09 {
                position += 1
            }
        default: throw TOMLError("invalid escape in a string")
        }
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 { position += 1 }
    }

    /// White space, line ends and comments.
    private mutating func skipBlank() {
        while let byte = current {
            if byte == UInt8(ascii: "#") {
                while let next = current, next != 0x0a { position += 1 }
            } else if byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
                position += 1
            } else {
                return
            }
        }
    }
}
