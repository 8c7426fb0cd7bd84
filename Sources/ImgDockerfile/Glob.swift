/// A compiled wildcard pattern over bytes; matching takes time proportional to pattern times name.
struct Glob: Sendable, Hashable {
    /// One element of a pattern.
    enum Token: Sendable, Hashable {
        case literal([UInt8])
        /// `?`: one character that is no slash.
        case anyCharacter
        /// `*`: any run without a slash.
        case run
        /// `[…]`, which may match a slash.
        case characters(CharacterClass)
        /// Nothing, or anything that ends in a slash.
        case anyDirectories
        /// Anything.
        case anything
    }

    private(set) var tokens: [Token] = []

    /// Appends a literal, joining it with one before it.
    mutating func append(literal bytes: some Sequence<UInt8>) {
        var literal: [UInt8] = []
        if case .literal(let before) = tokens.last {
            literal = before
            tokens.removeLast()
        }
        literal += bytes
        tokens.append(.literal(literal))
    }

    /// Appends an element; a repeated `*` or `**/` says nothing new.
    mutating func append(_ token: Token) {
        if token == tokens.last, token == .run || token == .anyDirectories { return }
        tokens.append(token)
    }

    func matches(_ name: [UInt8]) -> Bool {
        if case .literal(let start) = tokens.first, !name.starts(with: start) { return false }
        if case .literal(let end) = tokens.last, !name.reversed().starts(with: end.reversed()) { return false }
        var reached = [Bool](repeating: false, count: name.count + 1)
        reached[0] = true
        for token in tokens where !advance(&reached, over: token, in: name) { return false }
        return reached[name.count]
    }

    /// Whether some longer name that begins with `start`, which ends in a slash, can match.
    func canMatch(beyond start: [UInt8]) -> Bool {
        var reached = [Bool](repeating: false, count: start.count + 1)
        reached[0] = true
        for token in tokens {
            if reached[start.count] { return true }
            switch token {
            case .anyDirectories, .anything: return true
            case .literal(let bytes):
                for place in 0..<start.count where reached[place] && start.count - place < bytes.count {
                    if bytes.starts(with: start[place...]) { return true }
                }
            default: break
            }
            if !advance(&reached, over: token, in: start) { return false }
        }
        return false
    }

    /// Replaces the offsets at which a token may start by those at which it may end; false when there are none.
    private func advance(_ reached: inout [Bool], over token: Token, in name: [UInt8]) -> Bool {
        var next = [Bool](repeating: false, count: reached.count)
        var isAlive = false
        func mark(_ place: Int) {
            next[place] = true
            isAlive = true
        }
        var isRunning = false
        for place in reached.indices {
            let isEnd = place == name.count
            let isAfterSlash = place > 0 && name[place - 1] == UInt8(ascii: "/")
            switch token {
            case .literal(let bytes):
                if reached[place], name[place...].starts(with: bytes) { mark(place + bytes.count) }
            case .anyCharacter:
                if reached[place], !isEnd, name[place] != UInt8(ascii: "/") {
                    mark(place + TextBytes.scalar(in: name, at: place).length)
                }
            case .characters(let set):
                guard reached[place], !isEnd else { continue }
                let scalar = TextBytes.scalar(in: name, at: place)
                if set.contains(scalar.value) { mark(place + scalar.length) }
            case .run:
                isRunning = reached[place] || (isRunning && !isAfterSlash)
                if isRunning { mark(place) }
            case .anyDirectories:
                if reached[place] || (isRunning && isAfterSlash) { mark(place) }
                isRunning = isRunning || reached[place]
            case .anything:
                isRunning = isRunning || reached[place]
                if isRunning { mark(place) }
            }
        }
        reached = next
        return isAlive
    }
}

/// `[a-z]` and `[^…]`.
struct CharacterClass: Sendable, Hashable {
    var isNegated = false
    var ranges: [Bounds] = []

    /// Bounds are inclusive; a reversed pair matches nothing.
    struct Bounds: Sendable, Hashable {
        var low: UInt32
        var high: UInt32
    }

    func contains(_ scalar: UInt32) -> Bool {
        ranges.contains { $0.low <= scalar && scalar <= $0.high } != isNegated
    }

    /// Reads a class whose `[` has been consumed.
    ///
    /// - Parameter place: Moves past the closing `]`.
    /// - Returns: nil when malformed: empty, unclosed, or with a misplaced `-` or `]`.
    static func parse(_ pattern: [UInt8], at place: inout Int) -> CharacterClass? {
        var set = CharacterClass()
        if place < pattern.count, pattern[place] == UInt8(ascii: "^") {
            set.isNegated = true
            place += 1
        }
        while place < pattern.count {
            if pattern[place] == UInt8(ascii: "]"), !set.ranges.isEmpty {
                place += 1
                return set
            }
            guard let low = bound(pattern, at: &place) else { return nil }
            var high = low
            if place < pattern.count, pattern[place] == UInt8(ascii: "-") {
                place += 1
                guard let end = bound(pattern, at: &place) else { return nil }
                high = end
            }
            set.ranges.append(Bounds(low: low, high: high))
        }
        return nil
    }

    private static func bound(_ pattern: [UInt8], at place: inout Int) -> UInt32? {
        guard place < pattern.count, pattern[place] != UInt8(ascii: "-"), pattern[place] != UInt8(ascii: "]") else {
            return nil
        }
        if pattern[place] == UInt8(ascii: "\\") { place += 1 }
        guard place < pattern.count else { return nil }
        let (value, length) = TextBytes.scalar(in: pattern, at: place)
        if value == TextBytes.replacement, length == 1 { return nil }
        place += length
        return value
    }
}
