/// What a file's path tells about its purpose.
struct FilePath: Sendable {
    private let path: String

    init(_ path: String) {
        self.path = path
    }

    /// Whether it has the name of a processor or system as a word of its own, as `linux-arm64/` has.
    func isLabelled(_ name: String) -> Bool {
        let words = path.lowercased().replacing("x86_64", with: "amd64").replacing("x86-64", with: "amd64")
            .split { !$0.isLetter && !$0.isNumber }
        let names = Self.names[name] ?? [name]
        return words.contains { names.contains(String($0)) || (name == "arm" && $0.hasPrefix("armv")) }
    }

    /// A library or plug-in, which is harmless where nothing loads it.
    var isLibrary: Bool { Self.libraries.contains { path.hasSuffix($0) } }

    /// What tools for microcontrollers call the programs they make.
    var isFirmware: Bool { [".elf", ".axf"].contains { path.hasSuffix($0) } || path.contains("/firmware/") }

    /// Brought by a package manager: what it holds is published anyway.
    var isInPackage: Bool { directories.contains { Self.packageDirectories.contains($0) } }

    /// For tests, documentation or to be filled in: what looks like a secret there is none.
    var isExample: Bool {
        if directories.contains(where: { Self.exampleDirectories.contains($0) }) { return true }
        let words = name.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        if words.contains(where: { Self.exampleWords.contains($0) }) { return true }
        return name.hasPrefix(".env.") && words.contains { Self.patternWords.contains($0) }
    }

    private var name: String { path.split(separator: "/").last.map { $0.lowercased() } ?? "" }

    private var directories: [String] { path.split(separator: "/").dropLast().map { $0.lowercased() } }

    private static let packageDirectories: Set = [
        "node_modules", "bower_components", "site-packages", "dist-packages", "gems", "vendor", "third_party",
        "third-party",
    ]

    private static let exampleDirectories: Set = [
        "t", "test", "tests", "testing", "testdata", "test-data", "__tests__", "spec", "specs", "fixture", "fixtures",
        "mock",
        "mocks", "__mocks__", "example", "examples", "sample", "samples", "doc", "docs",
    ]

    private static let exampleWords: Set = [
        "example", "sample", "template", "test", "tests", "testing", "dummy", "fake", "mock", "snakeoil",
    ]

    /// `.env.dist`; `.env.vault` is encrypted.
    private static let patternWords: Set = ["dist", "default", "defaults", "schema", "tpl", "vault"]

    private static let libraries = [".dylib", ".so", ".node", ".bundle", ".jnilib", ".o", ".a", ".syso"]

    private static let names: [String: Set<String>] = [
        "amd64": ["amd64", "x64"],
        "arm64": ["arm64", "aarch64", "arm64v8"],
        "386": ["386", "i386", "i486", "i586", "i686", "ia32", "x86"],
        "arm": ["arm", "arm32", "aarch32", "armhf", "armel", "armeabi", "gnueabi", "gnueabihf", "musleabihf"],
        "ppc64le": ["ppc64le", "ppc64el", "powerpc64le"],
        "riscv64": ["riscv64", "riscv64gc"],
        "mipsle": ["mipsle", "mipsel"],
        "mips64le": ["mips64le", "mips64el"],
        "loong64": ["loong64", "loongarch64"],
        "darwin": ["darwin", "macos", "osx", "mac", "apple"],
    ]
}
