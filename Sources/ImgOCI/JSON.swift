/// A JSON value whose objects keep the order of their members.
///
/// Order matters because digests are over exact bytes and unknown members of a base's configuration survive in place.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A number that is no 64-bit integer, as its lexeme.
    case number(String)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON {
    package var stringValue: String? {
        if case .string(let value) = self { return value }
        return nil
    }

    package var integerValue: Int64? {
        if case .integer(let value) = self { return value }
        return nil
    }

    package var boolValue: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    package var arrayValue: [JSON]? {
        if case .array(let value) = self { return value }
        return nil
    }

    package var objectValue: JSONObject? {
        if case .object(let value) = self { return value }
        return nil
    }

    /// An array of strings; nil when it is anything else.
    package var stringArray: [String]? {
        guard let elements = arrayValue else { return nil }
        let strings = elements.compactMap(\.stringValue)
        return strings.count == elements.count ? strings : nil
    }

    /// A member of an object; nil for other values.
    package subscript(key: String) -> JSON? { objectValue?[key] }

    /// An object of strings, members sorted by the bytes of their keys (MT-27).
    package static func sortedObject(_ members: [String: String]) -> JSON {
        var object = JSONObject()
        for key in members.keys.sortedByBytes() { object.append(key, .string(members[key] ?? "")) }
        return .object(object)
    }

    package static func strings(_ values: [String]) -> JSON { .array(values.map(JSON.string)) }
}

/// The members of a JSON object in document order.
///
/// Setting an existing key keeps its place.
public struct JSONObject: Hashable, Sendable {
    /// The members in order; keys are unique.
    public private(set) var members: [(key: String, value: JSON)] = []

    /// An object without members.
    public init() {}

    package init(_ members: [(String, JSON)]) {
        for (key, value) in members { self[key] = value }
    }

    /// Adds without looking for the key, which takes time in large objects; the caller knows that it is new.
    mutating func append(_ key: String, _ value: JSON) {
        members.append((key, value))
    }

    /// Adds the members whose keys are new.
    mutating func append(newOf other: JSONObject) {
        var known = Set(members.map { JSONKey($0.key) })
        for member in other.members where known.insert(JSONKey(member.key)).inserted { members.append(member) }
    }

    mutating func replaceValue(at place: Int, by value: JSON) { members[place].value = value }

    private func place(of key: String) -> Int? {
        members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }

    /// The value of a member; nil removes it.
    public subscript(key: String) -> JSON? {
        get { place(of: key).map { members[$0].value } }
        set {
            let place = place(of: key)
            switch (place, newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil): members.remove(at: place)
            case (nil, let value?): members.append((key, value))
            case (nil, nil): break
            }
        }
    }

    package var isEmpty: Bool { members.isEmpty }
    package var keys: [String] { members.map(\.key) }

    /// Takes a member out.
    package mutating func take(_ key: String) -> JSON? {
        let value = self[key]
        self[key] = nil
        return value
    }

    /// Equal when the same members stand in the same order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count
            && zip(left.members, right.members).allSatisfy { $0.key == $1.key && $0.value == $1.value }
    }

    /// Feeds keys and values in order.
    public func hash(into hasher: inout Hasher) {
        for member in members {
            hasher.combine(member.key)
            hasher.combine(member.value)
        }
    }
}

/// A key as its bytes, while to `String` two spellings of one character are the same.
struct JSONKey: Hashable {
    private let text: String

    init(_ text: String) {
        self.text = text
    }

    static func == (left: JSONKey, right: JSONKey) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}

extension Sequence<String> {
    /// Bytewise order of the UTF-8, which is what the specifications mean; `String`'s own order is canonical equivalence.
    package func sortedByBytes() -> [String] {
        sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
