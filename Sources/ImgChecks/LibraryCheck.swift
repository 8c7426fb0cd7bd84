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
        let loaderPaths = try await LoaderPaths(files: files, machine: machine, loader: loader)
        let fromEnvironment =
            environment.last { $0.hasPrefix("LD_LIBRARY_PATH=") }
            .map { loaderPaths.expand(String($0.dropFirst("LD_LIBRARY_PATH=".count)), origin: program.path) } ?? []
        // musl treats both kinds of path alike and hands the program's on to its libraries.
        let inherited = isMusl ? facts.runpath ?? facts.rpath : facts.runpath == nil ? facts.rpath : nil
        let programPaths = loaderPaths.expand(inherited ?? "", origin: program.path)
        // As the loader goes: breadth first, the first object that asks for a name decides where it is searched.
        var objects: [(file: ImageFile, facts: ExecutableFacts)] = [(program, facts)]
        var next = 0
        var seen: Set<String> = []
        var findings: [Diagnostic] = []
        var wantedGlibc: (version: LibraryVersion, by: String)?
        var glibc: LibraryVersion?
        while next < objects.count, next < Self.limit {
            let object = objects[next]
            next += 1
            if let version = object.facts.glibcNeeded, wantedGlibc.map({ version > $0.version }) ?? true {
                wantedGlibc = (version, object.file.path)
            }
            let runpath = loaderPaths.expand(object.facts.runpath ?? "", origin: object.file.path)
            let rpath =
                object.facts.runpath == nil
                ? loaderPaths.expand(object.facts.rpath ?? "", origin: object.file.path) + programPaths : []
            let own = isMusl ? fromEnvironment + runpath + rpath + programPaths : rpath + fromEnvironment + runpath
            for library in object.facts.needed where seen.insert(library).inserted {
                if isLoaderItself(library) { continue }
                guard let found = try await find(library, own, loaderPaths) else {
                    let unlisted = try await find(library, in: loaderPaths.configured)
                    findings.append(missing(library, object.file, program, name, loaderPaths, unlisted))
                    continue
                }
                guard let facts = found.facts, facts.hasDynamicInfo else { continue }
                if library == "libc.so.6" { glibc = facts.glibcDefined }
                objects.append((found, facts))
            }
        }
        if let wanted = wantedGlibc, let glibc, glibc < wanted.version {
            findings.append(tooOld(wanted.version, wanted.by, program, glibc, name))
        }
        return findings
    }

    /// musl's C library is its loader, under either name; glibc's loader is already there too.
    private func isLoaderItself(_ library: String) -> Bool {
        if isMusl, library.hasPrefix("libc.musl-") || library == "libc.so" { return true }
        return loader.hasSuffix("/\(library)")
    }

    private func find(_ library: String, _ own: [String], _ loaderPaths: LoaderPaths) async throws -> ImageFile? {
        if library.contains("/") { return try await files.file(at: library) }
        if let file = try await find(library, in: own) { return file }
        for path in loaderPaths.cached(library) {
            if let file = try await usable(path) { return file }
        }
        return try await find(library, in: loaderPaths.builtIn)
    }

    private func find(_ library: String, in directories: [String]) async throws -> ImageFile? {
        for directory in directories {
            if let file = try await usable("\(directory)/\(library)") { return file }
        }
        return nil
    }

    /// The loader passes over a library for another processor.
    private func usable(_ path: String) async throws -> ImageFile? {
        guard let file = try await files.file(at: path), file.kind == .file else { return nil }
        guard case .elf(let other, _)? = file.facts?.format else { return file.wasInspected ? nil : file }
        return other.name == machine.name ? file : nil
    }

    // MARK: - Wording

    private func missing(
        _ library: String,
        _ object: ImageFile,
        _ program: ImageFile,
        _ name: String,
        _ paths: LoaderPaths,
        _ unlisted: ImageFile?
    ) -> Diagnostic {
        let by = object.path == program.path ? "" : " (through \(object.path))"
        let place = paths.builtIn.first ?? "/usr/lib"
        if let unlisted {
            let directory = unlisted.path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
            return CheckRule.libraryNotFound.finding(
                .error,
                "\(name) needs \(library)\(by); \(unlisted.path) is not in /etc/ld.so.cache, so the loader does not find it",
                path: object.path,
                remedy: "add ENV LD_LIBRARY_PATH=\(directory), or COPY the library to \(place)/"
            )
        }
        return CheckRule.libraryNotFound.finding(
            .error,
            "\(name) needs \(library)\(by), which is not in the image",
            path: object.path,
            remedy: "use a base that has it, or COPY it to \(place)/"
        )
    }

    private func tooOld(
        _ wanted: LibraryVersion,
        _ by: String,
        _ program: ImageFile,
        _ has: LibraryVersion,
        _ name: String
    ) -> Diagnostic {
        CheckRule.libcTooOld.finding(
            .error,
            "\(name) needs glibc \(wanted) or newer\(by == program.path ? "" : " (through \(by))"), the image has \(has)",
            path: by,
            remedy: "use a newer base, or build on a system with glibc \(has) or older"
        )
    }
}
