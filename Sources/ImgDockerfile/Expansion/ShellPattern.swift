/// The pattern of `${x#p}`, `${x%p}` and `${x/p/r}` (EXP-10).
///
/// A match follows all ways through the pattern at once, so that its time is at most the product of the two lengths.
struct ShellPattern {
    private enum Token: Equatable {
        case literal(UInt32)
        /// `?`: no newline.
        case any
        /// `*`: no newline in it.
        case run
    }

    private static let maximumLength = 4096
    private static let newline: UInt32 = 0x0a

    private var tokens: [Token] = []

    init(_ pattern: [UInt8]) throws(ShellError) {
        let scalars = Self.scalars(pattern).map(\.value)
        var place = 0
        while place < scalars.count {
            let scalar = scalars[place]
            place += 1
            switch scalar {
            case 0x2a:
                if tokens.last != .run { tokens.append(.run) }
            case 0x3f: tokens.append(.any)
            case 0x5c:
                let escaped = place < scalars.count ? scalars[place] : TextBytes.replacement
                guard [0x2a, 0x3f, 0x5c, 0x7d, 0x2f].contains(escaped) else {
                    let shown = Unicode.Scalar(escaped).map(String.init) ?? "\u{fffd}"
                    throw ShellError(message: "invalid escape '\\\(shown)'")
                }
                tokens.append(.literal(escaped))
                place += 1
            default: tokens.append(.literal(scalar))
            }
        }
        guard tokens.count <= Self.maximumLength else { throw ShellError(message: "pattern too long") }
    }

    /// Scalars with their lengths in bytes; a value never has malformed bytes.
    private static func scalars(_ bytes: [UInt8]) -> [(value: UInt32, length: Int)] {
        var scalars: [(value: UInt32, length: Int)] = []
        scalars.reserveCapacity(bytes.count)
        var place = 0
        while place < bytes.count {
            let scalar = TextBytes.scalar(in: bytes, at: place)
            scalars.append(scalar)
            place += scalar.length
        }
        return scalars
    }

    func trimmingPrefix(of value: [UInt8], longest: Bool) -> [UInt8] {
        let scalars = Self.scalars(value)
        guard
            let match = match(in: scalars.map(\.value), from: 0, isAnchored: true, isLongest: longest)
        else { return value }
        return Array(value.dropFirst(scalars[match].reduce(0) { $0 + $1.length }))
    }

    func trimmingSuffix(of value: [UInt8], longest: Bool) -> [UInt8] {
        var reversed = self
        reversed.tokens.reverse()
        let scalars = Array(Self.scalars(value).reversed())
        guard
            let match = reversed.match(in: scalars.map(\.value), from: 0, isAnchored: true, isLongest: longest)
        else { return value }
        return Array(value.dropLast(scalars[match].reduce(0) { $0 + $1.length }))
    }

    /// Replaces the leftmost match or all of them, each as long as possible; the replacement is literal (EXP-12).
    func replacing(
        in value: [UInt8],
        with replacement: [UInt8],
        all: Bool,
        limit: Int
    ) throws(ShellError) -> [UInt8] {
        let scalars = Self.scalars(value)
        let values = scalars.map(\.value)
        var offsets = [0]
        for scalar in scalars { offsets.append((offsets.last ?? 0) + scalar.length) }
        var result: [UInt8] = []
        var copied = 0
        var place = 0
        var lastEnd: Int?
        while place <= values.count, result.count <= limit,
            let match = match(in: values, from: place, isAnchored: false, isLongest: true)
        {
            // An empty match directly behind a match is none, as in Go's regular expressions.
            if !match.isEmpty || match.lowerBound != lastEnd {
                result += value[offsets[copied]..<offsets[match.lowerBound]]
                result += replacement
                copied = match.upperBound
                lastEnd = match.upperBound
            }
            if !all { break }
            place = match.isEmpty ? match.upperBound + 1 : match.upperBound
        }
        guard result.count <= limit else { throw ShellError(message: "the result is longer than \(limit) bytes") }
        return result + value[offsets[copied]...]
    }

    /// The leftmost match, and of those that start there the longest or shortest.
    private func match(in text: [UInt32], from start: Int, isAnchored: Bool, isLongest: Bool) -> Range<Int>? {
        let unreached = Int.max
        // Where the leftmost match that has got as far as each token would start.
        var starts = [Int](repeating: unreached, count: tokens.count + 1)
        var next = starts
        var found: Range<Int>?
        var isAlive = false
        for place in start...text.count {
            if found == nil, !isAnchored || place == start, starts[0] == unreached { starts[0] = place }
            for position in tokens.indices where tokens[position] == .run && starts[position] < starts[position + 1] {
                starts[position + 1] = starts[position]
            }
            let matched = starts[tokens.count]
            if matched != unreached, matched <= found?.lowerBound ?? unreached {
                found = matched..<place
                if !isLongest { return found }
            }
            guard place < text.count else { break }
            let scalar = text[place]
            isAlive = false
            for position in next.indices { next[position] = unreached }
            for position in tokens.indices where starts[position] <= found?.lowerBound ?? unreached {
                guard starts[position] != unreached else { continue }
                let target: Int
                switch tokens[position] {
                case .literal(scalar): target = position + 1
                case .any where scalar != Self.newline: target = position + 1
                case .run where scalar != Self.newline: target = position
                default: continue
                }
                next[target] = min(next[target], starts[position])
                isAlive = true
            }
            swap(&starts, &next)
            if !isAlive, found != nil || isAnchored { break }
        }
        return found
    }
}
