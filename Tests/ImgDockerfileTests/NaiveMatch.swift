import ImgOCI

/// Matchers that follow the rules to the letter by trying everything; only for short texts.
enum NaiveMatch {
    /// IGN-3 and IGN-4 on the cleaned pattern.
    static func ignore(_ pattern: String, _ path: String) -> Bool {
        let trimmed = Array(PathCleaning.clean(pattern).utf8)
        let text = Array(path.utf8)
        if trimmed.starts(with: "**".utf8), !trimmed.dropFirst(2).contains(where: { "*?[]\\".utf8.contains($0) }) {
            let suffix = Array(trimmed.dropFirst(2))
            return text.reversed().starts(with: suffix.reversed())
                || (suffix.first == UInt8(ascii: "/") && Array(suffix.dropFirst()) == text)
        }
        return ignore(trimmed[...], text[...])
    }

    private static func ignore(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if pattern.starts(with: "**".utf8) {
            let rest = pattern.dropFirst(2)
            let behind = rest.first == UInt8(ascii: "/") ? rest.dropFirst() : rest
            if behind.isEmpty { return true }
            return ignore(behind, text)
                || text.indices.contains { text[$0] == UInt8(ascii: "/") && ignore(behind, text[($0 + 1)...]) }
        }
        return one(first, pattern, text, ignore)
    }

    /// CP-4 on a valid pattern.
    static func path(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        return one(first, pattern, text, path)
    }

    private static func one(
        _ first: UInt8,
        _ pattern: ArraySlice<UInt8>,
        _ text: ArraySlice<UInt8>,
        _ match: (ArraySlice<UInt8>, ArraySlice<UInt8>) -> Bool
    ) -> Bool {
        let rest = pattern.dropFirst()
        let slash = UInt8(ascii: "/")
        switch first {
        case UInt8(ascii: "*"):
            return match(rest, text) || (text.first.map { $0 != slash } ?? false && match(pattern, text.dropFirst()))
        case UInt8(ascii: "?"): return text.first.map { $0 != slash } ?? false && match(rest, text.dropFirst())
        case UInt8(ascii: "["):
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")), let character = text.first else { return false }
            let isNegated = rest.first == UInt8(ascii: "^")
            let isMember = rest[..<end].dropFirst(isNegated ? 1 : 0).contains(character)
            return isMember != isNegated && match(rest[(end + 1)...], text.dropFirst())
        case UInt8(ascii: "\\"):
            return rest.first == text.first && !text.isEmpty && match(rest.dropFirst(), text.dropFirst())
        default: return text.first == first && match(rest, text.dropFirst())
        }
    }
}
