import ImgOCI
import ImgReport

/// Whether the loader will find every library of a program, and whether the C library is new enough.
struct LibraryCheck: Sendable {
    let files: any ImageFiles
    let machine: BinaryFormat.Machine
    let environment: [String]
    /// `PT_INTERP` of the program.
    let loader: String

    private var isMusl: Bool { loader.contains("ld-musl") }

    /// Objects looked at before the check gives up; no program comes near.
    private static let limit = 2000

    func findings(_ program: ImageFile, _ facts: ExecutableFacts, named name: String) async throws -> [Diagnostic] {
        guard facts.hasDynamicInfo else { return [] }
        let defaults = try await defaultDirectories()
        let fromEnvironment =
            environment.last { $0.hasPrefix("LD_LIBRARY_PATH=") }
            .map { Self.paths(String($0.dropFirst("LD_LIBRARY_PATH=".count)), origin: "/") } ?? []
        var queue: [(file: ImageFile, facts: ExecutableFacts)] = [(program, facts)]
        var seen: Set<String> = []
        var findings: [Diagnostic] = []
        var wantedGlibc: (version: LibraryVersion, by: String)?
        var glibc: LibraryVersion?
        let programPaths = Self.paths(facts.rpath ?? "", origin: Self.directory(of: program.path))
        while let object = queue.popLast(), seen.count < Self.limit {
            if let version = object.facts.glibcNeeded, version > wantedGlibc?.version ?? version || wantedGlibc == nil {
                wantedGlibc = (version, object.file.path)
            }
            let origin = Self.directory(of: object.file.path)
            let runpath = Self.paths(object.facts.runpath ?? "", origin: origin)
            let rpath =
                object.facts.runpath == nil ? Self.paths(object.facts.rpath ?? "", origin: origin) + programPaths : []
            let search = rpath + fromEnvironment + runpath + (isMusl ? programPaths : []) + defaults
            for library in object.facts.needed where seen.insert(library).inserted {
                if isLoaderItself(library) { continue }
                guard let found = try await find(library, in: search) else {
                    findings.append(missing(library, object.file, name, search))
                    continue
                }
                guard let facts = found.facts, facts.hasDynamicInfo else { continue }
                if library == "libc.so.6" { glibc = facts.glibcDefined }
                queue.append((found, facts))
            }
        }
        if let wanted = wantedGlibc, let glibc, glibc < wanted.version {
            findings.append(tooOld(wanted.version, wanted.by, glibc, name))
        }
        return findings
    }

    /// musl's C library is its loader, under either name; glibc's loader is already there too.
    private func isLoaderItself(_ library: String) -> Bool {
        if isMusl, library.hasPrefix("libc.musl-") || library == "libc.so" { return true }
        return loader.hasSuffix("/\(library)")
    }

    private func find(_ library: String, in search: [String]) async throws -> ImageFile? {
        if library.contains("/") { return try await files.file(at: library) }
        for directory in search {
            guard let file = try await files.file(at: "\(directory)/\(library)"), file.kind == .file else { continue }
            guard case .elf(let other, _)? = file.facts?.format else {
                if file.wasInspected { continue }
                return file
            }
            if other.name == machine.name { return file }
        }
        return nil
    }

    /// The loader's own directories and those of its configuration.
    private func defaultDirectories() async throws -> [String] {
        if isMusl {
            let name = loader.split(separator: "/").last.map { $0.replacing(".so.1", with: ".path") } ?? ""
            if let text = try await files.text(of: "/etc/\(name)") {
                return text.split { $0 == ":" || $0 == "\n" }.map(String.init)
            }
            return ["/lib", "/usr/local/lib", "/usr/lib"]
        }
        var directories: [String] = []
        for path in try await configurationFiles() {
            for line in (try await files.text(of: path) ?? "").split(separator: "\n") {
                let word = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }.first.map(String.init) ?? ""
                if word.hasPrefix("/") { directories.append(word) }
            }
        }
        for prefix in ["/lib", "/usr/lib"] {
            directories += [triplet.map { "\(prefix)/\($0)" }, "\(prefix)64", prefix].compactMap(\.self)
        }
        return directories
    }

    private func configurationFiles() async throws -> [String] {
        let parts = try await files.names(in: "/etc/ld.so.conf.d").filter { $0.hasSuffix(".conf") }
        return ["/etc/ld.so.conf"] + parts.map { "/etc/ld.so.conf.d/\($0)" }
    }

    /// Debian's directory for libraries of a processor.
    private var triplet: String? {
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

    private static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "/"
    }

    private static func paths(_ list: String, origin: String) -> [String] {
        list.split(separator: ":")
            .map {
                String($0.replacing("${ORIGIN}", with: origin).replacing("$ORIGIN", with: origin))
            }
    }

    // MARK: - Wording

    private func missing(_ library: String, _ object: ImageFile, _ name: String, _ search: [String]) -> Diagnostic {
        let by = object.path.hasSuffix(name) ? "" : " (through \(object.path))"
        return CheckRule.libraryNotFound.finding(
            .error,
            "\(name) needs \(library)\(by), which is not in the image",
            path: object.path,
            remedy: "use a base that has it, or COPY it into one of \(search.suffix(6).joined(separator: ", "))"
        )
    }

    private func tooOld(_ wanted: LibraryVersion, _ by: String, _ has: LibraryVersion, _ name: String) -> Diagnostic {
        CheckRule.libcTooOld.finding(
            .error,
            "\(name) needs glibc \(wanted) or newer\(by.hasSuffix(name) ? "" : " (through \(by))"), the image has \(has)",
            path: by,
            remedy: "use a newer base, or build on a system with glibc \(has) or older"
        )
    }
}
