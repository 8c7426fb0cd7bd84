import ImgOCI

/// Where the loader of an image looks for libraries besides the paths that programs bring.
struct LoaderPaths: Sendable {
    /// Compiled into the loader.
    let builtIn: [String]
    /// Paths in `/etc/ld.so.cache`, by name.
    private let cache: [Substring: [String]]
    private let machine: BinaryFormat.Machine
    private let workingDirectory: String
    /// Whether the loader has a configuration that is not known: then a library that is not found may be there all the same.
    let isIncomplete: Bool

    init(
        files: any ImageFiles,
        machine: BinaryFormat.Machine,
        loader: ProgramLoader,
        workingDirectory: String
    ) async throws {
        self.machine = machine
        self.workingDirectory = workingDirectory
        switch loader.kind {
        case .musl:
            let name = loader.requested.split(separator: "/").last.map { $0.replacing(".so.1", with: ".path") } ?? ""
            let text = try await files.text(of: "/etc/\(name)")
            if case .text(let text) = text {
                builtIn = text.split { $0 == ":" || $0 == "\n" }.map(String.init)
            } else {
                builtIn = ["/lib", "/usr/local/lib", "/usr/lib"]
            }
            isIncomplete = text == .unknown || loader.requested.contains("ld-linux")
            cache = [:]
        case .glibc:
            let own = Self.directories(machine) + [loader.directory]
            switch try await files.text(of: "/etc/ld.so.cache") {
            case .text(let text):
                cache = Dictionary(grouping: text.split(separator: "\n").map(String.init)) {
                    $0[($0.lastIndex(of: "/").map($0.index(after:)) ?? $0.startIndex)...]
                }
                builtIn = own
            case .absent:
                cache = [:]
                builtIn = own
            // A cache of unknown content may hold whatever the configured directories do.
            case .unknown:
                cache = [:]
                builtIn = try await Self.configured(files) + own
            }
            // A C library in a place of its own has its cache there too.
            let root = loader.directory.split(separator: "/").dropLast().map { "/\($0)" }.joined()
            isIncomplete =
                own.dropLast().contains(loader.directory)
                ? false : try await files.file(at: "\(root)/etc/ld.so.cache") != nil
        }
    }

    /// Where the cache says a library is.
    func cached(_ library: String) -> [String] { cache[library[...]] ?? [] }

    /// Directories below those that are searched, for processors that can do more; nobody knows here where it will run.
    static func variants(of directory: String, _ files: any ImageFiles) async throws -> [String] {
        let hwcaps = try await files.names(in: "\(directory)/glibc-hwcaps").map { "\(directory)/glibc-hwcaps/\($0)" }
        return hwcaps + old.map { "\(directory)/\($0)" }
    }

    private static let old = [
        "tls", "haswell", "haswell/x86_64", "haswell/avx512_1", "xeon_phi", "x86_64", "atomics", "neon", "vfp", "i686",
        "i686/sse2", "sse2", "z13", "power8", "power9",
    ]

    /// Compiled into glibc's loader, by distribution and processor.
    private static func directories(_ machine: BinaryFormat.Machine) -> [String] {
        let triplet = Self.triplet(machine)
        let abi = machine.name == "riscv64" ? ["64/lp64d"] : []
        return ["/lib", "/usr/lib"]
            .flatMap { prefix in
                (triplet.map { ["\(prefix)/\($0)"] } ?? []) + (abi + ["64", ""]).map { prefix + $0 }
            }
    }

    /// A list of directories with the loader's variables replaced.
    ///
    /// - Parameter origins: Directories of the object that brings the list: as it was found, and where it really is.
    func expand(_ list: String, origins: [String]) -> [String] {
        // An empty item, and one that is not absolute, is seen from where the program starts.
        list.split(omittingEmptySubsequences: list.isEmpty) { $0 == ":" || $0 == ";" }
            .flatMap { item in origins.flatMap { expand(item, $0) } }
            .map { RuntimePath.absolute($0, from: workingDirectory) }
    }

    private func expand(_ item: Substring, _ origin: String) -> [String] {
        let triplet = Self.triplet(machine)
        let libraries = (triplet.map { ["lib/\($0)"] } ?? []) + ["lib64", "lib"]
        let platform = ["amd64": "x86_64", "arm64": "aarch64", "386": "i686"][machine.name] ?? machine.name
        let path = Self.replace("ORIGIN", in: Self.replace("PLATFORM", in: String(item), platform), origin)
        return path.contains("$LIB") || path.contains("${LIB}")
            ? libraries.map { Self.replace("LIB", in: path, $0) } : [path]
    }

    private static func replace(_ name: String, in path: String, _ value: String) -> String {
        String(path.replacing("${\(name)}", with: value).replacing("$\(name)", with: value))
    }

    /// Directories named by `/etc/ld.so.conf`: they count only through the cache that `ldconfig` writes.
    static func configured(_ files: any ImageFiles) async throws -> [String] {
        let parts = try await files.names(in: "/etc/ld.so.conf.d").filter { $0.hasSuffix(".conf") }
        var directories: [String] = []
        for path in ["/etc/ld.so.conf"] + parts.map({ "/etc/ld.so.conf.d/\($0)" }) {
            guard case .text(let text) = try await files.text(of: path) else { continue }
            for line in text.split(separator: "\n") {
                let word = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }.first.map(String.init) ?? ""
                if word.hasPrefix("/") { directories.append(word) }
            }
        }
        return directories
    }

    /// Debian's directory for libraries of a processor.
    private static func triplet(_ machine: BinaryFormat.Machine) -> String? {
        switch machine.name {
        case "amd64": "x86_64-linux-gnu"
        case "arm64": "aarch64-linux-gnu"
        case "386": "i386-linux-gnu"
        case "arm": machine.abi == "soft-float" ? "arm-linux-gnueabi" : "arm-linux-gnueabihf"
        case "ppc64le": "powerpc64le-linux-gnu"
        case "s390x": "s390x-linux-gnu"
        case "riscv64": "riscv64-linux-gnu"
        case "mips64le": "mips64el-linux-gnuabi64"
        case "loong64": "loongarch64-linux-gnu"
        default: nil
        }
    }
}
