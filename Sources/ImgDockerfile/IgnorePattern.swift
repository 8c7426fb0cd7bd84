import ImgReport

/// One pattern of an ignore file, of `--exclude` or of `--parents` (IGN-3, IGN-4).
package struct IgnorePattern: Sendable, Hashable {
    private enum Test: Sendable, Hashable {
        case equal
        case prefix
        case suffix
        case glob(Glob)
    }

    private enum Kind {
        case equal
        case prefix
        case suffix
        case glob
    }

    /// As written, `!` included.
    package let text: String
    /// 1-based line of the ignore file; the position for patterns of a flag.
    package let line: Int
    /// Whether it starts with `!`.
    package let isException: Bool
    /// What the test needs: the whole pattern, or the text before or after `**`.
    private let operand: [UInt8]
    private let test: Test

    /// - Parameter cleaned: Without `!`.
    init(text: String, line: Int, isException: Bool, cleaned: [UInt8]) throws(BuildError) {
        self.text = text
        self.line = line
        self.isException = isException
        guard (try? PathMatch.compile(cleaned)) != nil, let (test, operand) = Self.compile(cleaned) else {
            throw BuildError("syntax error in pattern \"\(text)\"")
        }
        self.test = test
        self.operand = operand
    }

    /// Whether the pattern covers this very path; what lies below is up to ``IgnorePatterns/State``.
    func matches(_ path: [UInt8]) -> Bool {
        switch test {
        case .equal:
            return path == operand
        case .prefix:
            return path.starts(with: operand)
        case .suffix:
            if path.count >= operand.count, path.suffix(operand.count).elementsEqual(operand) { return true }
            return operand.first == UInt8(ascii: "/") && operand.dropFirst().elementsEqual(path)
        case .glob(let glob):
            return glob.matches(path)
        }
    }

    /// Whether the pattern may cover a path below a directory without covering the directory.
    func canMatch(below directory: [UInt8]) -> Bool {
        let start = directory.isEmpty ? [] : directory + [UInt8(ascii: "/")]
        return switch test {
        case .equal: operand.starts(with: start)
        case .prefix: operand.starts(with: start) || start.starts(with: operand)
        case .suffix: true
        case .glob(let glob): glob.canMatch(beyond: start)
        }
    }

    /// IGN-4; nil for a reversed range in a class.
    private static func compile(_ pattern: [UInt8]) -> (Test, [UInt8])? {
        let star = UInt8(ascii: "*")
        var glob = Glob()
        var kind = Kind.equal
        var place = 0
        while place < pattern.count {
            let byte = pattern[place]
            let isFirst = place == 0
            place += 1
            switch byte {
            case star where place < pattern.count && pattern[place] == star:
                place += 1
                if place < pattern.count, pattern[place] == UInt8(ascii: "/") { place += 1 }
                if place < pattern.count {
                    glob.append(.anyDirectories)
                    kind = .glob
                } else if kind == .equal {
                    kind = .prefix
                } else {
                    glob.append(.anything)
                    kind = .glob
                }
                if isFirst { kind = .suffix }
            case star:
                glob.append(.run)
                kind = .glob
            case UInt8(ascii: "?"):
                glob.append(.anyCharacter)
                kind = .glob
            case UInt8(ascii: "["):
                guard let set = CharacterClass.parse(pattern, at: &place),
                    set.ranges.allSatisfy({ $0.low <= $0.high })
                else { return nil }
                glob.append(.characters(set))
                kind = .glob
            case UInt8(ascii: "\\") where place < pattern.count:
                glob.append(literal: CollectionOfOne(pattern[place]))
                place += 1
                kind = .glob
            case UInt8(ascii: "]"):
                glob.append(literal: CollectionOfOne(byte))
                kind = .glob
            default:
                glob.append(literal: CollectionOfOne(byte))
            }
        }
        return switch kind {
        case .equal: (.equal, pattern)
        case .prefix: (.prefix, Array(pattern.dropLast(2)))
        case .suffix: (.suffix, Array(pattern.dropFirst(2)))
        case .glob: (.glob(glob), [])
        }
    }
}
