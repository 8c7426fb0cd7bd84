import Testing

@testable import ImgChecks

@Suite struct BinaryFormatTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var head: [UInt8]
        var format: BinaryFormat?
        var testDescription: String { "\(format.map { "\($0)" } ?? "nothing") of \(head.count) bytes" }
    }

    static func elf(_ name: String, abi: String? = nil, _ kind: BinaryFormat.ELFKind = .executable) -> BinaryFormat {
        .elf(machine: .init(name, abi: abi), kind: kind)
    }

    static let elfCases: [Case] = [
        Case(head: HandMade.elf(machine: 62), format: elf("amd64")),
        Case(head: HandMade.elf(machine: 62, is64: false), format: elf("amd64p32")),
        Case(head: HandMade.elf(machine: 62, type: 3), format: elf("amd64", .shared)),
        Case(head: HandMade.elf(machine: 62, type: 1), format: elf("amd64", .other)),
        Case(head: HandMade.elf(machine: 3, is64: false), format: elf("386")),
        Case(head: HandMade.elf(machine: 183), format: elf("arm64")),
        Case(head: HandMade.elf(machine: 183, endian: .big), format: elf("arm64be")),
        Case(head: HandMade.elf(machine: 40, is64: false, flags: 0x500_0400), format: elf("arm", abi: "hard-float")),
        Case(head: HandMade.elf(machine: 40, is64: false, flags: 0x500_0200), format: elf("arm", abi: "soft-float")),
        Case(head: HandMade.elf(machine: 243, flags: 4), format: elf("riscv64", abi: "double-float")),
        Case(head: HandMade.elf(machine: 21), format: elf("ppc64le")),
        Case(head: HandMade.elf(machine: 21, endian: .big), format: elf("ppc64")),
        Case(head: HandMade.elf(machine: 22, endian: .big), format: elf("s390x")),
        Case(head: HandMade.elf(machine: 8), format: elf("mips64le")),
        Case(head: HandMade.elf(machine: 8, is64: false, endian: .big), format: elf("mips")),
        Case(head: HandMade.elf(machine: 258), format: elf("loong64")),
        Case(head: HandMade.elf(machine: 0xbeef), format: elf("machine 0xbeef")),
        Case(head: Array(HandMade.elf(machine: 62).prefix(40)), format: nil),
    ]

    static let otherCases: [Case] = [
        Case(
            head: HandMade.machO(magic: 0xfeed_facf, type: 0x100_000c, endian: .little),
            format: .machO([.init("arm64")])
        ),
        Case(
            head: HandMade.machO(magic: 0xfeed_facf, type: 0x100_0007, endian: .little),
            format: .machO([.init("amd64")])
        ),
        Case(head: HandMade.machO(magic: 0xfeed_face, type: 7, endian: .little), format: .machO([.init("386")])),
        Case(
            head: HandMade.fatMachO(types: [0x100_0007, 0x100_000c]),
            format: .machO([.init("amd64"), .init("arm64")])
        ),
        // A Java class file: minor 0, major 61.
        Case(head: [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61, 0, 0, 0, 0], format: nil),
        Case(head: HandMade.pe(machine: 0x8664, flags: 0x22), format: .pe(.init("amd64"), isLibrary: false)),
        Case(head: HandMade.pe(machine: 0xaa64, flags: 0x2022), format: .pe(.init("arm64"), isLibrary: true)),
        Case(head: Array("MZ is the start of this text".utf8), format: nil),
        Case(head: [], format: nil),
        Case(head: Array("hello".utf8), format: nil),
    ]

    @Test(arguments: elfCases + otherCases) func formatIsRead(_ example: Case) {
        #expect(BinaryFormat(head: example.head[...]) == example.format)
    }

    @Test(
        arguments: [
            ("#!/bin/sh\necho", "/bin/sh", nil, false),
            ("#! \t/bin/sh  -e  -x \n", "/bin/sh", "-e  -x", false),
            ("#!/usr/bin/env python3\r\nprint", "/usr/bin/env", "python3", true),
            ("#!/bin/sh\r\n", "/bin/sh", nil, true),
            ("#!/bin/sh", "/bin/sh", nil, false),
        ] as [(String, String, String?, Bool)]
    )
    func firstLineIsSplitAsTheKernelDoes(_ text: String, _ name: String, _ argument: String?, _ endsInCR: Bool) throws {
        guard case .script(let shebang)? = BinaryFormat(head: Array(text.utf8)[...]) else {
            Issue.record("\(text) is no script")
            return
        }
        #expect(shebang.interpreter == name)
        #expect(shebang.argument == argument)
        #expect(shebang.endsInCarriageReturn == endsInCR)
    }

    @Test(arguments: ["#!\necho", "#!  \n", "#", " #!/bin/sh", "\u{feff}#!/bin/sh\n"])
    func whatTheKernelRefusesIsNoScript(_ text: String) {
        #expect(BinaryFormat(head: Array(text.utf8)[...]) == nil)
    }
}

@Suite("What is stored of a file") struct StoredFactsTests {
    private static let formats: [BinaryFormat] = [
        .elf(machine: .init("amd64"), kind: .executable), .elf(machine: .init("arm", abi: "hard-float"), kind: .shared),
        .elf(machine: .init("machine 0x53"), kind: .other), .machO([.init("amd64"), .init("arm64")]), .machO([]),
        .pe(.init("386"), isLibrary: true), .pe(.init("amd64"), isLibrary: false),
        .script(Shebang(interpreter: "/usr/bin/env", argument: "-S a=b c", endsInCarriageReturn: true)),
        .script(Shebang(interpreter: "/bin/sh", argument: nil, endsInCarriageReturn: false)),
    ]

    @Test(arguments: formats) func everythingComesBack(_ format: BinaryFormat) {
        var facts = ExecutableFacts(format: format)
        #expect(ExecutableFacts(decoding: facts.encoded) == facts)
        (facts.interpreter, facts.needed) = ("/lib/ld.so", ["liba.so", "libb.so.1"])
        (facts.soname, facts.rpath, facts.runpath) = ("libx.so", "$ORIGIN", "/opt:/x")
        (facts.glibcNeeded, facts.glibcDefined) = (
            .init(symbolVersion: "GLIBC_2.4"), .init(symbolVersion: "GLIBC_2.36")
        )
        (facts.hasDynamicInfo, facts.fingerprint) = (true, "12-ab")
        #expect(ExecutableFacts(decoding: facts.encoded) == facts)
        if case .script(let shebang) = format {
            guard case .script(let short)? = ExecutableFacts.format(decoding: facts.encoded) else {
                Issue.record("no script")
                return
            }
            #expect(short.interpreter == shebang.interpreter)
        } else {
            #expect(ExecutableFacts.format(decoding: facts.encoded) == format)
        }
    }

    @Test(arguments: ["", "root:x:0:0", "\u{1}", "\u{1}\u{0}", "\u{1}zamd64\u{0}", "{}"]) func otherTexts(
        _ text: String
    ) {
        #expect(ExecutableFacts(decoding: Array(text.utf8)) == nil)
        #expect(ExecutableFacts.format(decoding: Array(text.utf8)) == nil)
    }
}
