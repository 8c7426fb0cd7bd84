/// What the first bytes of a file say it is.
package enum BinaryFormat: Hashable, Sendable {
    /// An ELF object for a processor, in Go's name for it; nil when that name is not known.
    case elf(machine: Machine, kind: ELFKind)
    /// A macOS object for one or more processors.
    case machO([Machine])
    /// A Windows or .NET object.
    case pe(Machine, isLibrary: Bool)
    /// `#!` with interpreter and argument as the kernel splits them.
    case script(Shebang)

    /// What an ELF object is for.
    package enum ELFKind: String, Hashable, Sendable {
        case executable
        case shared
        /// Object files, core dumps: never started nor loaded.
        case other
    }

    /// A processor, with what narrows it.
    package struct Machine: Hashable, Sendable, CustomStringConvertible {
        /// Go's name, or `machine 0x…` for one that has none here.
        package var name: String
        /// Floating-point ABI where binaries of two don't mix, such as `hard-float` or `double-float`.
        package var abi: String?

        package init(_ name: String, abi: String? = nil) {
            self.name = name
            self.abi = abi
        }

        package var description: String { name }

        /// Whether images are made for it.
        var isPlatform: Bool { Self.platforms.contains(name) }

        private static let platforms: Set<String> = [
            "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "riscv", "riscv64", "ppc", "ppc64",
            "ppc64le", "s390",
            "s390x", "mips", "mipsle", "mips64", "mips64le", "loong64",
        ]
    }
}

/// The first line of a script.
package struct Shebang: Hashable, Sendable {
    package var interpreter: String
    package var argument: String?
    /// The line ends in CR LF: the kernel looks for an interpreter whose name ends in CR.
    package var endsInCarriageReturn: Bool
}

extension BinaryFormat {
    /// Bytes of a file's start that ``init(head:)`` needs at most.
    package static let headLength = 4096

    /// Recognises a file by its first bytes; nil when it is neither a known binary nor a script.
    package init?(head: ArraySlice<UInt8>) {
        if head.starts(with: [0x7f, 0x45, 0x4c, 0x46]) {
            guard let format = Self.elf(head) else { return nil }
            self = format
        } else if head.starts(with: [0x23, 0x21]) {
            guard let shebang = Shebang(head: head) else { return nil }
            self = .script(shebang)
        } else if head.starts(with: [0x4d, 0x5a]) {
            guard let format = Self.pe(head) else { return nil }
            self = format
        } else if let machines = Self.machO(head) {
            self = .machO(machines)
        } else {
            return nil
        }
    }

    /// `e_machine` and `e_flags`; names as in Go's GOARCH.
    /// - SeeAlso: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
    private static func elf(_ head: ArraySlice<UInt8>) -> BinaryFormat? {
        guard head.count >= 52 else { return nil }
        let is64 = head[head.startIndex + 4] == 2
        let isLittle = head[head.startIndex + 5] == 1
        let reader = ByteReader(bytes: head, isLittleEndian: isLittle)
        guard let type = reader.integer(at: 16, width: 2), let number = reader.integer(at: 18, width: 2),
            let flags = reader.integer(at: is64 ? 48 : 36, width: 4)
        else { return nil }
        let machine: Machine
        switch (number, is64) {
        case (3, _): machine = Machine("386")
        case (62, true): machine = Machine("amd64")
        case (62, false): machine = Machine("amd64p32")
        case (40, _):
            let abi = flags & 0x400 != 0 ? "hard-float" : flags & 0x200 != 0 ? "soft-float" : nil
            machine = Machine(isLittle ? "arm" : "armbe", abi: abi)
        case (183, _): machine = Machine(isLittle ? "arm64" : "arm64be")
        case (243, _):
            let floats = ["soft-float", "single-float", "double-float", "quad-float"]
            machine = Machine(is64 ? "riscv64" : "riscv", abi: floats[Int(flags >> 1 & 3)])
        case (20, _): machine = Machine("ppc")
        case (21, _): machine = Machine(isLittle ? "ppc64le" : "ppc64")
        case (22, _): machine = Machine(is64 ? "s390x" : "s390")
        case (8, _): machine = Machine("mips" + (is64 ? "64" : "") + (isLittle ? "le" : ""))
        case (258, _): machine = Machine(is64 ? "loong64" : "loong32")
        default: machine = Machine("machine 0x" + String(number, radix: 16))
        }
        return .elf(machine: machine, kind: type == 2 ? .executable : type == 3 ? .shared : .other)
    }

    private static func machO(_ head: ArraySlice<UInt8>) -> [Machine]? {
        guard let magic = ByteReader(bytes: head, isLittleEndian: false).integer(at: 0, width: 4) else { return nil }
        let isFat = magic == 0xcafe_babe || magic == 0xcafe_babf
        let isLittle = magic == 0xcffa_edfe || magic == 0xcefa_edfe
        guard isFat || isLittle || magic == 0xfeed_facf || magic == 0xfeed_face else { return nil }
        let reader = ByteReader(bytes: head, isLittleEndian: isLittle)
        guard let second = reader.integer(at: 4, width: 4) else { return nil }
        guard isFat else { return [machOMachine(second)] }
        // A Java class file begins with the same four bytes; its version number is far above any count of processors.
        guard (1...16).contains(second) else { return nil }
        let stride: UInt64 = magic == 0xcafe_babf ? 32 : 20
        return (0..<second).compactMap { reader.integer(at: 8 + $0 * stride, width: 4) }.map(machOMachine)
    }

    private static func machOMachine(_ type: UInt64) -> Machine {
        switch type {
        case 0x0100_0007: Machine("amd64")
        case 0x0100_000c: Machine("arm64")
        case 7: Machine("386")
        case 12: Machine("arm")
        default: Machine("machine 0x" + String(type, radix: 16))
        }
    }

    private static func pe(_ head: ArraySlice<UInt8>) -> BinaryFormat? {
        let reader = ByteReader(bytes: head, isLittleEndian: true)
        guard let offset = reader.integer(at: 0x3c, width: 4), reader.integer(at: offset, width: 4) == 0x4550,
            let number = reader.integer(at: offset + 4, width: 2), let flags = reader.integer(at: offset + 22, width: 2)
        else { return nil }
        let machine: Machine
        switch number {
        case 0x8664: machine = Machine("amd64")
        case 0xaa64: machine = Machine("arm64")
        case 0x14c: machine = Machine("386")
        case 0x1c0, 0x1c4: machine = Machine("arm")
        default: machine = Machine("machine 0x" + String(number, radix: 16))
        }
        return .pe(machine, isLibrary: flags & 0x2000 != 0)
    }
}

extension Shebang {
    /// Splits the first line as Linux does: interpreter, then everything else as one argument.
    init?(head: ArraySlice<UInt8>) {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        var line = head.dropFirst(2).prefix { $0 != 0x0a }
        endsInCarriageReturn = line.last == 0x0d
        if endsInCarriageReturn { line = line.dropLast() }
        line = line.drop(while: isBlank)
        let name = line.prefix { !isBlank($0) }
        guard !name.isEmpty else { return nil }
        var rest = line[name.endIndex...].drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
        interpreter = String(decoding: name, as: UTF8.self)
        argument = rest.isEmpty ? nil : String(decoding: rest, as: UTF8.self)
    }
}
