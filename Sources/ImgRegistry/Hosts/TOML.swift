/// A TOML value as the configuration files of container tools use it; dates are kept as text.
///
/// Tables keep the order of the file, which decides the order of mirrors (MIR-1).
/// - SeeAlso: <https://toml.io/en/v1.0.0>
enum TOML: Hashable, Sendable {
    case string(String)
    case integer(Int64)
    case bool(Bool)
    /// Floats and dates.
    case other(String)
    case array([TOML])
    case table(TOMLTable)

    var stringValue: String? {
        if case .string(let value) = self { return value }
        return nil
    }

    var boolValue: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    var arrayValue: [TOML]? {
        if case .array(let value) = self { return value }
        return nil
    }

    var tableValue: TOMLTable? {
        if case .table(let value) = self { return value }
        return nil
    }

    /// A string or an array of strings.
    var strings: [String]? {
        if let text = stringValue { return [text] }
        guard let elements = arrayValue else { return nil }
        let texts = elements.compactMap(\.stringValue)
        return texts.count == elements.count ? texts : nil
    }
}

/// Keys and values in the order of the file.
struct TOMLTable: Hashable, Sendable {
    struct Member: Hashable, Sendable {
        var key: String
        var value: TOML
    }

    private(set) var members: [Member] = []

    subscript(key: String) -> TOML? {
        get { members.first { $0.key == key }?.value }
        set {
            if let place = members.firstIndex(where: { $0.key == key }) {
                if let newValue { members[place].value = newValue } else { members.remove(at: place) }
            } else if let newValue {
                members.append(Member(key: key, value: newValue))
            }
        }
    }

    /// Changes the table at a path, making tables on the way; the last element of an array of tables is the current one.
    mutating func update(
        at path: ArraySlice<String>,
        _ body: (inout TOMLTable) throws(TOMLError) -> Void
    ) throws(TOMLError) {
        guard let key = path.first else { return try body(&self) }
        switch self[key] ?? .table(TOMLTable()) {
        case .table(var inner):
            try inner.update(at: path.dropFirst(), body)
            self[key] = .table(inner)
        case .array(var elements):
            guard case .table(var inner)? = elements.last else { throw TOMLError("\"\(key)\" is not a table") }
            try inner.update(at: path.dropFirst(), body)
            elements[elements.count - 1] = .table(inner)
            self[key] = .array(elements)
        default: throw TOMLError("\"\(key)\" is not a table")
        }
    }
}

/// Why a text is not TOML.
struct TOMLError: Error, Hashable, Sendable, CustomStringConvertible {
    let message: String
    /// 1-based; 0 while it isn't known.
    var line = 0

    init(_ message: String) {
        self.message = message
    }

    var description: String { "line \(line): \(message)" }
}
