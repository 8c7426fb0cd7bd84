/// The stored form: fields that end in a zero byte, each a letter and a value; the first says what the file is.
///
/// A build looks at the format of every program it copies, also when nothing has changed: that much is read without
/// reading the rest.
extension ExecutableFacts {
    /// Tells it from the other texts that are kept of files.
    private static let mark: UInt8 = 1

    /// A compact form for the path index.
    package var encoded: [UInt8] {
        var bytes = [Self.mark]
        func add(_ letter: Character, _ value: String?) {
            guard let value else { return }
            bytes += String(letter).utf8
            bytes += value.utf8.prefix { $0 != 0 }
            bytes.append(0)
        }
        switch format {
        case .elf(let machine, let kind):
            let letter: Character =
                switch kind {
                case .executable: "e"
                case .shared: "s"
                case .other: "o"
                }
            add(letter, machine.name + (machine.abi.map { "/\($0)" } ?? ""))
        case .machO(let machines): add("m", machines.map(\.name).joined(separator: ","))
        case .pe(let machine, let isLibrary): add(isLibrary ? "d" : "p", machine.name)
        case .script(let shebang): add("#", shebang.interpreter)
        }
        add("f", fingerprint)
        if case .script(let shebang) = format {
            add("a", shebang.argument)
            if shebang.endsInCarriageReturn { add("c", "") }
        }
        add("i", interpreter)
        for name in needed { add("n", name) }
        add("S", soname)
        add("r", rpath)
        add("R", runpath)
        add("g", glibcNeeded?.description)
        add("G", glibcDefined?.description)
        if hasDynamicInfo { add("D", "") }
        return bytes
    }

    /// Reads ``encoded``; nil for anything else.
    package init?(decoding bytes: [UInt8]) {
        guard bytes.first == Self.mark else { return nil }
        var fields = bytes.dropFirst().split(separator: 0)[...]
        guard let first = fields.popFirst(), let format = Self.format(first) else { return nil }
        self.init(format: format)
        for field in fields {
            let value = String(decoding: field.dropFirst(), as: UTF8.self)
            switch field[field.startIndex] {
            case UInt8(ascii: "f"): fingerprint = value
            case UInt8(ascii: "i"): interpreter = value
            case UInt8(ascii: "n"): needed.append(value)
            case UInt8(ascii: "S"): soname = value
            case UInt8(ascii: "r"): rpath = value
            case UInt8(ascii: "R"): runpath = value
            case UInt8(ascii: "g"): glibcNeeded = LibraryVersion(value)
            case UInt8(ascii: "G"): glibcDefined = LibraryVersion(value)
            case UInt8(ascii: "D"): hasDynamicInfo = true
            default: readShebang(field.first, value)
            }
        }
    }

    private mutating func readShebang(_ letter: UInt8?, _ value: String) {
        guard case .script(var shebang) = format else { return }
        if letter == UInt8(ascii: "a") { shebang.argument = value }
        if letter == UInt8(ascii: "c") { shebang.endsInCarriageReturn = true }
        format = .script(shebang)
    }

    /// The format alone, without an argument of a script.
    package static func format(decoding bytes: [UInt8]) -> BinaryFormat? {
        guard bytes.first == mark else { return nil }
        return format(bytes.dropFirst().prefix { $0 != 0 })
    }

    private static func format(_ field: ArraySlice<UInt8>) -> BinaryFormat? {
        guard let letter = field.first else { return nil }
        let value = String(decoding: field.dropFirst(), as: UTF8.self)
        switch letter {
        case UInt8(ascii: "e"): return .elf(machine: machine(value), kind: .executable)
        case UInt8(ascii: "s"): return .elf(machine: machine(value), kind: .shared)
        case UInt8(ascii: "o"): return .elf(machine: machine(value), kind: .other)
        case UInt8(ascii: "m"): return .machO(value.split(separator: ",").map { machine(String($0)) })
        case UInt8(ascii: "p"): return .pe(machine(value), isLibrary: false)
        case UInt8(ascii: "d"): return .pe(machine(value), isLibrary: true)
        case UInt8(ascii: "#"):
            return .script(Shebang(interpreter: value, argument: nil, endsInCarriageReturn: false))
        default: return nil
        }
    }

    private static func machine(_ text: String) -> BinaryFormat.Machine {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else { return BinaryFormat.Machine(text) }
        return BinaryFormat.Machine(String(text[..<slash]), abi: String(text[text.utf8.index(after: slash)...]))
    }
}
