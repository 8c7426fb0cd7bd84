/// "did you mean" for misspelt words (ERR-9).
package enum Suggestion {
    /// The candidate with the smallest Levenshtein distance of at most 2; ties go to the alphabetically first.
    ///
    /// - Returns: nil when nothing is near or when a candidate equals the word.
    package static func nearest(
        _ word: String,
        among candidates: some Sequence<String>,
        ignoringCase: Bool = false
    ) -> String? {
        let wanted = Array((ignoringCase ? word.lowercased() : word).unicodeScalars)
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let scalars = Array((ignoringCase ? candidate.lowercased() : candidate).unicodeScalars)
            guard abs(scalars.count - wanted.count) <= 2 else { continue }
            let distance = levenshtein(wanted, scalars)
            if distance == 0 { return nil }
            guard distance <= 2 else { continue }
            if let current = best, (current.distance, current.candidate) <= (distance, candidate) { continue }
            best = (distance, candidate)
        }
        return best?.candidate
    }

    /// ` (did you mean X?)`, or nothing.
    package static func suffix(_ word: String, among candidates: some Sequence<String>) -> String {
        nearest(word, among: candidates).map { " (did you mean \($0)?)" } ?? ""
    }

    private static func levenshtein(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var previous = Array(0...right.count)
        for (row, scalar) in left.enumerated() {
            var current = [row + 1]
            current.reserveCapacity(right.count + 1)
            for (column, other) in right.enumerated() {
                let substitution = previous[column] + (scalar == other ? 0 : 1)
                current.append(min(substitution, previous[column + 1] + 1, current[column] + 1))
            }
            previous = current
        }
        return previous[right.count]
    }
}
