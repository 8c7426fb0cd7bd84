package import ImgReport

/// The value of `--chmod` (CP-30, CP-31).
package enum ChmodSpec: Sendable, Hashable {
    case octal(UInt16)
    case symbolic([Change])

    /// What an operator does with letters that go together, such as the `+x` of `u+x`.
    package struct Change: Sendable, Hashable {
        enum Operator: UInt8, Sendable, Hashable {
            case add = 0x2b
            case remove = 0x2d
            case set = 0x3d
        }

        enum Value: Sendable, Hashable {
            case bits(UInt16)
            /// `X`
            case executionIfAnyHasIt
            /// Another class's permissions, by its bit position: 6 for `u`, 3 for `g`, 0 for `o`.
            case copy(UInt16)
        }

        var operation: Operator
        /// The bits it may touch.
        var mask: UInt16
        var value: Value
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
                var mask = change.mask
                var bits: UInt16
                switch change.value {
                case .bits(let letters): bits = letters
                case .executionIfAnyHasIt: bits = isDirectory || mode & 0o111 != 0 ? 0o111 : 0
                case .copy(let shift):
                    bits = (result >> shift & 0o7) * 0o111
                    mask &= 0o777
                }
                bits &= mask
                switch change.operation {
                case .add: result |= bits
                case .remove: result &= ~bits
                case .set: result = result & ~mask | bits
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
        guard !rest.isEmpty else { return nil }
        var changes: [Change] = []
        while let byte = rest.first {
            guard let operation = Change.Operator(rawValue: byte) else { return nil }
            rest = rest.dropFirst()
            var mask = who
            var bits: UInt16 = 0
            var hasX = false
            // A copy leaves set-id bits alone; with `=`, letters clear them, and so does nothing at all.
            var isDue = operation == .set
            func addLetters() {
                if bits != 0 || isDue { changes.append(Change(operation: operation, mask: mask, value: .bits(bits))) }
                if hasX {
                    let operation = operation == .remove ? operation : .add
                    changes.append(Change(operation: operation, mask: mask, value: .executionIfAnyHasIt))
                }
                (bits, hasX, isDue) = (0, false, false)
            }
            func copy(_ shift: UInt16) {
                isDue = false
                addLetters()
                changes.append(Change(operation: operation, mask: mask, value: .copy(shift)))
            }
            scan: while let byte = rest.first {
                switch byte {
                case UInt8(ascii: "r"): bits |= 0o444
                case UInt8(ascii: "w"): bits |= 0o222
                case UInt8(ascii: "x"): bits |= 0o111
                case UInt8(ascii: "X"): hasX = true
                case UInt8(ascii: "s"): if !hasOnlyOthers { bits |= 0o6000 }
                case UInt8(ascii: "t"):
                    if !hasOnlyOthers {
                        bits |= 0o1000
                        mask |= 0o1000
                    }
                case UInt8(ascii: "u"): copy(6)
                case UInt8(ascii: "g"): copy(3)
                case UInt8(ascii: "o"): copy(0)
                default: break scan
                }
                rest = rest.dropFirst()
            }
            addLetters()
        }
        return changes
    }
}
