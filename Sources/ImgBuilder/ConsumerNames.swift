import ImgChecks
import ImgReport

extension Consumer {
    /// Those that were asked for, each once.
    static func named(_ names: [String]) throws(BuildError) -> [Consumer] {
        var found: [Consumer] = []
        for name in names {
            let consumer = try named(name)
            if !found.contains(consumer) { found.append(consumer) }
        }
        return found
    }

    private static func named(_ name: String) throws(BuildError) -> Consumer {
        if let consumer = Consumer(rawValue: name) { return consumer }
        let names = allCases.map(\.rawValue)
        let nearest = Suggestion.nearest(name, among: names).map { "did you mean \($0)?" }
        throw BuildError(
            .usage,
            "unknown consumer \"\(name)\"",
            hints: [nearest ?? "known are \(names.joined(separator: ", "))"]
        )
    }
}
