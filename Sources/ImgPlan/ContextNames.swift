import ImgOCI

/// Named contexts by normalised name (STG-12).
struct ContextNames {
    private var contexts: [String: NamedContext] = [:]

    init(_ named: [String: NamedContext]) {
        for name in named.keys.sortedByBytes() {
            guard let separator = name.firstRange(of: "::") else {
                contexts[Self.normalized(name) ?? name] = named[name]
                continue
            }
            let base = String(name[..<separator.lowerBound])
            let written = String(name[separator.upperBound...])
            let platform = (try? Platform(parsing: written).normalized.description) ?? written
            contexts["\(Self.normalized(base) ?? base)::\(platform)"] = named[name]
        }
    }

    /// What stands in for a stage or image of that name.
    func context(for name: String, platform: Platform) -> NamedContext? {
        guard !contexts.isEmpty, !["scratch", "context"].contains(name.lowercased()),
            let key = Self.normalized(name)
        else { return nil }
        return contexts["\(key)::\(platform)"] ?? contexts[key]
    }

    /// The familiar form without `:latest`; nil for what is no reference.
    private static func normalized(_ name: String) -> String? {
        guard let reference = try? ImageReference(parsing: name) else { return nil }
        let familiar = reference.familiar
        return familiar.hasSuffix(":latest") ? String(familiar.dropLast(":latest".count)) : familiar
    }
}
