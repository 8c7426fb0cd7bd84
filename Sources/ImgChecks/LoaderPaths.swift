import ImgOCI

/// Where the loader of an image looks for libraries besides the paths that programs bring.
struct LoaderPaths: Sendable {
    /// Compiled into the loader.
    let builtIn: [String]
    /// Named by `/etc/ld.so.conf`: they count only through the cache that `ldconfig` writes.
    let configured: [String]
    /// Paths in `/etc/ld.so.cache`.
    private let cache: [String]
    private let machine: BinaryFormat.Machine

    init(files: any ImageFiles, machine: BinaryFormat.Machine, loader: String) async throws {
        self.machine = machine
        if loader.contains("ld-musl") {
            let name = loader.split(separator: "/").last.map { $0.replacing(".so.1", with: ".path") } ?? ""
            let text = try await files.text(of: "/etc/\(name)")
            let named = text.map { $0.split { $0 == ":" || $0 == "\n" }.map(String.init) }
            builtIn = named ?? ["/lib", "/usr/local/lib", "/usr/lib"]
            configured = []
            cache = []
            return
        }
        let triplet = Self.triplet(machine)
        let own = ["/lib", "/usr/lib"]
            .flatMap { prefix in
                (triplet.map { ["\(prefix)/\($0)"] } ?? []) + ["\(prefix)64", prefix]
            }
        let configured = try await Self.configured(files)
        if let text = try await files.text(of: "/etc/ld.so.cache") {
            cache = text.split(separator: "\n").map(String.init)
            builtIn = own
        } else {
            cache = []
            // A cache of unknown content may hold whatever the configured directories do.
            builtIn = try await files.file(at: "/etc/ld.so.cache") == nil ? own : configured + own
        }
        self.configured = configured
    }

    /// Where the cache says a library is.
    func cached(_ library: String) -> [String] { cache.filter { $0.hasSuffix("/\(library)") } }

    /// A list of directories with the loader's variables replaced.
    ///
    /// - Parameter origin: The object that brings the list.
    func expand(_ list: String, origin object: String) -> [String] {
        let origin = object.lastIndex(of: "/").map { $0 == object.startIndex ? "/" : String(object[..<$0]) } ?? "/"
        let triplet = Self.triplet(machine)
        let libraries = (triplet.map { ["lib/\($0)"] } ?? []) + ["lib64", "lib"]
        let platform = ["amd64": "x86_64", "arm64": "aarch64", "386": "i686"][machine.name] ?? machine.name
        return list.split(separator: ":")
            .flatMap { item -> [String] in
                let path = Self.replace("ORIGIN", in: Self.replace("PLATFORM", in: String(item), platform), origin)
                return path.contains("$LIB") || path.contains("${LIB}")
                    ? libraries.map { Self.replace("LIB", in: path, $0) } : [path]
            }
    }

    private static func replace(_ name: String, in path: String, _ value: String) -> String {
        String(path.replacing("${\(name)}", with: value).replacing("$\(name)", with: value))
    }

    private static func configured(_ files: any ImageFiles) async throws -> [String] {
        let parts = try await files.names(in: "/etc/ld.so.conf.d").filter { $0.hasSuffix(".conf") }
        var directories: [String] = []
        for path in ["/etc/ld.so.conf"] + parts.map({ "/etc/ld.so.conf.d/\($0)" }) {
            for line in (try await files.text(of: path) ?? "").split(separator: "\n") {
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
        default: nil
        }
    }
}
