/// The pattern of `${x#p}`, `${x%p}` and `${x/p/r}` (EXP-10).
///
/// `?` is any character and `*` any run, neither of them a newline. Time is proportional to pattern times value.
struct SubstitutionPattern {
    private enum Token {
        case literal(Unicode.Scalar)
        case anyCharacter
        case run
    }

    private static let maxWork = 1 << 28

    private let source: String
    private var tokens: [Token] = []

    init(_ scalars: [Unicode.Scalar]) throws(ExpansionError) {
        source = String(scalars)
        var position = 0
        while position < scalars.count {
            let scalar = scalars[position]
            position += 1
            switch scalar {
            case "*": tokens.append(.run)
            case "?": tokens.append(.anyCharacter)
            case "\\":
                guard position < scalars.count else { throw Self.invalid(source, "unfinished escape sequence") }
                let next = scalars[position]
                position += 1
                guard "*?\\}/".unicodeScalars.contains(next) else {
                    throw Self.invalid(source, "invalid escape '\\\(next)'")
                }
                tokens.append(.literal(next))
            default: tokens.append(.literal(scalar))
            }
        }
    }

    private static func invalid(_ pattern: String, _ reason: String) -> ExpansionError {
        ExpansionError("invalid pattern (\(pattern)) in substitution: \(reason)")
    }

    /// The value without the shortest or longest matching prefix.
    func removingPrefix(of value: [Unicode.Scalar], longest: Bool) throws(ExpansionError) -> [Unicode.Scalar] {
        guard let end = try ends(tokens, in: value, longest: longest)[0] else { return value }
        return Array(value[end...])
    }

    /// The value without the shortest or longest matching suffix.
    func removingSuffix(of value: [Unicode.Scalar], longest: Bool) throws(ExpansionError) -> [Unicode.Scalar] {
        guard let end = try ends(tokens.reversed(), in: value.reversed(), longest: longest)[0] else { return value }
        return Array(value.dropLast(end))
    }

    /// The value with its first match, or all of them, replaced; leftmost and longest matches count.
    func replacing(
        in value: [Unicode.Scalar],
        with replacement: [Unicode.Scalar],
        all: Bool
    ) throws(ExpansionError) -> [Unicode.Scalar] {
        let ends = try ends(tokens, in: value, longest: true)
        var result: [Unicode.Scalar] = []
        var position = 0
        var lastEnd = -1
        while position <= value.count {
            // An empty match right behind another match doesn't count.
            if let end = ends[position], end > position || position > lastEnd {
                result += replacement
                try ExpansionLimits.check(result.count)
                lastEnd = end
                if !all { return result + value[end...] }
                if end > position {
                    position = end
                    continue
                }
            }
            if position < value.count { result.append(value[position]) }
            position += 1
        }
        return result
    }

    /// For each offset the end of the longest or shortest match that starts there.
    private func ends(_ tokens: [Token], in value: [Unicode.Scalar], longest: Bool) throws(ExpansionError) -> [Int?] {
        guard tokens.count * (value.count + 1) <= Self.maxWork else {
            throw Self.invalid(source, "the value is too large for it")
        }
        var ends: [Int?] = Array(0...value.count)
        for token in tokens.reversed() {
            var next = [Int?](repeating: nil, count: ends.count)
            for start in stride(from: value.count, through: 0, by: -1) {
                let scalar = start < value.count ? value[start] : nil
                switch token {
                case .literal(let wanted):
                    if scalar == wanted { next[start] = ends[start + 1] }
                case .anyCharacter:
                    if let scalar, scalar != "\n" { next[start] = ends[start + 1] }
                case .run:
                    let further = scalar == nil || scalar == "\n" ? nil : next[start + 1]
                    if let end = ends[start], let further {
                        next[start] = longest ? max(end, further) : min(end, further)
                    } else {
                        next[start] = ends[start] ?? further
                    }
                }
            }
            ends = next
        }
        return ends
    }
}

/// How much an expansion may produce; texts that double with each instruction must not fill the memory.
enum ExpansionLimits {
    /// Substitutions inside each other.
    static let nesting = 100
    /// Unicode scalars of one result.
    static let size = 16 << 20

    static func check(_ count: Int) throws(ExpansionError) {
        guard count <= size else { throw ExpansionError("the expanded text is larger than 16 MiB") }
    }
}

extension String {
    init(_ scalars: some Sequence<Unicode.Scalar>) {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        self.init(view)
    }
}
