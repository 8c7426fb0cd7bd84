package import ImgReport

/// The value of `--chmod` (CP-30, CP-31).
package enum ChmodSpec: Sendable, Hashable {
    case octal(UInt16)
    case symbolic([Change])

    /// One operator of a clause, such as the `+x` of `u+x`.
    package struct Change: Sendable, Hashable {
        enum Operator: UInt8, Sendable, Hashable {
            case add = 0x2b
            case remove = 0x2d
            case set = 0x3d
        }

        var operation: Operator
        /// The bits it may touch.
        var mask: UInt16
        var bits: UInt16 = 0
        /// `X` was written.
        var executesIfAnyDoes = false
        /// Bit positions of the classes to copy from: 6 for `u`, 3 for `g`, 0 for `o`.
        var copies: [UInt16] = []
    }

    /// - Throws: The message of CP-30 or CP-31, without a place.
    package init(parsing text: String) throws(BuildError) {
        if text.utf8.first.map({ (0x30...0x39).contains($0) }) ?? false {
            guard text.utf8.allSatisfy({ (0x30...0x37).contains($0) }), let mode = UInt16(text, radix: 8),
                mode <= 0o7777
            else {
                throw BuildError(
                    "invalid chmod parameter: '\(text)'. it should be octal string and between 0 and 07777"
                )
            }
            self = .octal(mode)
            return
        }
        var changes: [Change] = []
        for clause in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard let parsed = Self.clause(clause) else {
                throw BuildError(
                    "invalid chmod parameter: '\(text)': invalid syntax",
                    hints: ["write an octal mode such as 755, or clauses such as u=rwX,go=rX"]
                )
            }
            changes += parsed
        }
        self = .symbolic(changes)
    }

    /// The mode when it is the same for every entry.
    package var octal: UInt16? {
        if case .octal(let mode) = self { mode } else { nil }
    }

    /// The new mode of an entry.
    /// - Parameter mode: Its mode at the source, `07777` at most.
    package func apply(to mode: UInt16, isDirectory: Bool) -> UInt16 {
        switch self {
        case .octal(let octal): return octal
        case .symbolic(let changes):
            var result = mode & 0o7777
            for change in changes {
                var bits = change.bits
                if change.executesIfAnyDoes, isDirectory || mode & 0o111 != 0 { bits |= 0o111 }
                for shift in change.copies { bits |= (result >> shift & 0o7) * 0o111 }
                bits &= change.mask
                switch change.operation {
                case .add: result |= bits
                case .remove: result &= ~bits
                case .set: result = result & ~change.mask | bits
                }
            }
            return result
        }
    }
}

extension ChmodSpec {
    /// `[ugoa…](+|-|=)perm…`, with several operators allowed.
    private static func clause(_ text: Substring.UTF8View) -> [Change]? {
        var rest = text[...]
        var who: UInt16 = 0
        scan: while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "u"): who |= 0o4700
            case UInt8(ascii: "g"): who |= 0o2070
            case UInt8(ascii: "o"): who |= 0o0007
            case UInt8(ascii: "a"): who |= 0o6777
            default: break scan
            }
            rest = rest.dropFirst()
        }
        // Without a class all are meant; no umask takes part.
        let hasOnlyOthers = who == 0o0007
        if who == 0 { who = 0o6777 }
        var changes: [Change] = []
        while let byte = rest.first {
            guard let operation = Change.Operator(rawValue: byte) else { return nil }
            rest = rest.dropFirst()
            var change = Change(operation: operation, mask: who)
            scan: while let byte = rest.first {
                switch byte {
                case UInt8(ascii: "r"): change.bits |= 0o444
                case UInt8(ascii: "w"): change.bits |= 0o222
                case UInt8(ascii: "x"): change.bits |= 0o111
                case UInt8(ascii: "X"): change.executesIfAnyDoes = true
                case UInt8(ascii: "s"): if !hasOnlyOthers { change.bits |= 0o6000 }
                case UInt8(ascii: "t"):
                    if !hasOnlyOthers {
                        change.bits |= 0o1000
                        change.mask |= 0o1000
                    }
                case UInt8(ascii: "u"): change.copies.append(6)
                case UInt8(ascii: "g"): change.copies.append(3)
                case UInt8(ascii: "o"): change.copies.append(0)
                default: break scan
                }
                rest = rest.dropFirst()
            }
            changes.append(change)
        }
        return changes.isEmpty ? nil : changes
    }
}
