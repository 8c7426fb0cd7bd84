import ImgOCI
import ImgReport

/// Whether the loader will find every library of a program, and whether the C library is new enough.
struct LibraryCheck: Sendable {
    let files: any ImageFiles
    let machine: BinaryFormat.Machine
    let environment: [String]
    let workingDirectory: String
    let loader: ProgramLoader

    /// Objects looked at before the check gives up; no program comes near.
    private static let limit = 2000

    /// A program or library in the order of loading.
    private struct Object {
        var file: ImageFile
        /// As the loader came to it, links not followed.
        var path: String
        var facts: ExecutableFacts
        /// The object that asked for it first.
        var parent: Int?

        var origins: [String] { path == file.path ? [Self.directory(path)] : [path, file.path].map(Self.directory) }

        private static func directory(_ path: String) -> String {
            path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "/"
        }
    }

    /// A file with the path it was found under.
    private typealias Found = (file: ImageFile, path: String)

    func findings(_ program: ImageFile, _ facts: ExecutableFacts, named name: String) async throws -> [Diagnostic] {
        guard facts.hasDynamicInfo else { return [] }
        let paths = try await LoaderPaths(
            files: files,
            machine: machine,
            loader: loader,
            workingDirectory: workingDirectory
        )
        // As the loader goes: breadth first, the first object that asks for a name decides where it is searched.
        var objects = [Object(file: program, path: program.path, facts: facts, parent: nil)]
        let fromEnvironment = expanded("LD_LIBRARY_PATH", objects[0], paths)
        var seen = preloaded()
        var next = 0
        var findings: [Diagnostic] = []
        var wantedGlibc: (version: LibraryVersion, by: String)?
        var glibc: LibraryVersion?
        while next < objects.count, next < Self.limit {
            let object = objects[next]
            if let version = object.facts.glibcNeeded, wantedGlibc.map({ version > $0.version }) ?? true {
                wantedGlibc = (version, object.file.path)
            }
            let own = directories(of: next, objects, fromEnvironment, paths)
            for library in object.facts.needed where seen.insert(library).inserted && !loader.isItself(library) {
                guard let found = try await find(library, of: object, own, paths) else {
                    if paths.isIncomplete { continue }
                    let unlisted = try await find(library, in: LoaderPaths.configured(files))?.file
                    findings.append(missing(library, object.file, program, name, paths, unlisted))
                    continue
                }
                guard let facts = found.file.facts, facts.hasDynamicInfo else { continue }
                if library == "libc.so.6" { glibc = facts.glibcDefined }
                // glibc knows what it has loaded by that name too.
                if loader.kind == .glibc, let soname = facts.soname { seen.insert(soname) }
                objects.append(Object(file: found.file, path: found.path, facts: facts, parent: next))
            }
            next += 1
        }
        if let wanted = wantedGlibc, let glibc, glibc < wanted.version {
            findings.append(tooOld(wanted.version, wanted.by, program, glibc, name))
        }
        return findings
    }

    private func variable(_ name: String) -> String? {
        environment.last { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    private func expanded(_ variable: String, _ program: Object, _ paths: LoaderPaths) -> [String] {
        guard let list = self.variable(variable), !list.isEmpty else { return [] }
        return paths.expand(list, origins: program.origins)
    }

    /// Names of libraries that are loaded before all others; one that is missing is passed over.
    private func preloaded() -> Set<String> {
        let paths = (variable("LD_PRELOAD") ?? "").split { $0 == ":" || $0 == " " }
        return Set(paths.compactMap { $0.split(separator: "/").last.map(String.init) })
    }

    /// Where an object's libraries are looked for, besides what the loader brings.
    private func directories(
        of place: Int,
        _ objects: [Object],
        _ fromEnvironment: [String],
        _ paths: LoaderPaths
    ) -> [String] {
        var inherited: [String] = []
        var step: Int? = place
        while let current = step {
            let object = objects[current]
            // musl treats both kinds of path alike; with glibc a run path is the object's own, and hides an old one.
            let list = loader.kind == .musl ? object.facts.runpath ?? object.facts.rpath : object.facts.rpath
            if let list, loader.kind == .musl || object.facts.runpath == nil {
                inherited += paths.expand(list, origins: object.origins)
            }
            step = object.parent
        }
        if loader.kind == .musl { return fromEnvironment + inherited }
        guard let runpath = objects[place].facts.runpath else { return inherited + fromEnvironment }
        return fromEnvironment + paths.expand(runpath, origins: objects[place].origins)
    }

    private func find(
        _ library: String,
        of object: Object,
        _ own: [String],
        _ paths: LoaderPaths
    ) async throws -> Found? {
        if library.contains("/") {
            for path in paths.expand(library, origins: object.origins) {
                if let file = try await files.file(at: path) { return (file, path) }
            }
            return nil
        }
        if let found = try await find(library, in: own) { return found }
        for path in paths.cached(library) {
            if let file = try await usable(path) { return (file, path) }
        }
        if let found = try await find(library, in: paths.builtIn) { return found }
        for directory in own + paths.builtIn {
            if let found = try await find(library, in: LoaderPaths.variants(of: directory, files)) { return found }
        }
        return nil
    }

    private func find(_ library: String, in directories: [String]) async throws -> Found? {
        for directory in directories {
            let path = "\(directory)/\(library)"
            if let file = try await usable(path) { return (file, path) }
        }
        return nil
    }

    /// The loader passes over a library for another processor.
    private func usable(_ path: String) async throws -> ImageFile? {
        guard let file = try await files.file(at: path), file.kind == .file else { return nil }
        guard case .elf(let other, _)? = file.facts?.format else { return file.wasInspected ? nil : file }
        return other.name == machine.name ? file : nil
    }

    /// Put into containers by NVIDIA's runtime: they belong to the host's driver.
    private static let drivers = ["libcuda.so", "libnvidia-", "libnvcuvid.so", "libnvoptix.so", "libcudadebugger.so"]

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
        if Self.drivers.contains(where: { library.hasPrefix($0) }) {
            return CheckRule.libraryNotFound.finding(
                .warning,
                "\(name) needs \(library)\(by), which only NVIDIA's container runtime brings",
                path: object.path,
                remedy: "start it where that runtime is, as with docker run --gpus all"
            )
        }
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
