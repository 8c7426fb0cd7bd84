import ImgChecks

/// A made-up image.
struct MemoryFiles: ImageFiles {
    var files: [String: ImageFile] = [:]
    var texts: [String: String] = [:]
    /// Where a path leads, instead of to itself.
    var links: [String: String] = [:]

    func file(at path: String) async throws -> ImageFile? {
        let clean = try await destination(of: path)
        if let file = files[clean] { return file }
        let isDirectory = clean == "/" || files.keys.contains { $0.hasPrefix(clean + "/") }
        return isDirectory ? ImageFile(path: clean, kind: .directory, mode: 0o755) : nil
    }

    func destination(of path: String) async throws -> String {
        let clean = "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
        return links[clean] ?? clean
    }

    func names(in directory: String) async throws -> [String] {
        let prefix = directory + "/"
        return Set(
            files.keys.filter { $0.hasPrefix(prefix) }
                .compactMap { $0.dropFirst(prefix.count).split(separator: "/").first.map(String.init) }
        )
        .sorted()
    }

    func text(of path: String) async throws -> FileText {
        texts[path].map(FileText.text) ?? (files[path] == nil ? .absent : .unknown)
    }

    mutating func add(_ path: String, mode: UInt16 = 0o755, _ facts: ExecutableFacts?, size: Int64 = 100) {
        files[path] = ImageFile(path: path, kind: .file, mode: mode, size: size, facts: facts)
    }

    mutating func addScript(_ path: String, _ text: String, mode: UInt16 = 0o755) {
        let format = BinaryFormat(head: Array(text.utf8)[...])
        add(path, mode: mode, format.map { ExecutableFacts(format: $0) }, size: Int64(text.utf8.count))
    }

    /// A loader, a C library that offers `glibc`, and a shell.
    mutating func addDebian(_ machine: String = "amd64", glibc: String = "GLIBC_2.36") {
        let triplet = machine == "amd64" ? "x86_64-linux-gnu" : "aarch64-linux-gnu"
        let loader = Self.loader(machine)
        add(loader, .elf(machine, .shared))
        files[loader]?.facts?.glibcDefined = LibraryVersion(symbolVersion: "GLIBC_2.17")
        var library = ExecutableFacts.elf(machine, .shared, needed: [String(loader.split(separator: "/").last ?? "")])
        library.glibcDefined = LibraryVersion(symbolVersion: glibc)
        add("/lib/\(triplet)/libc.so.6", library)
        add("/bin/sh", .elf(machine, needed: ["libc.so.6"], interpreter: loader))
    }

    static func loader(_ machine: String) -> String {
        machine == "amd64" ? "/lib64/ld-linux-x86-64.so.2" : "/lib/ld-linux-aarch64.so.1"
    }
}

extension ExecutableFacts {
    static func elf(
        _ machine: String = "amd64",
        _ kind: BinaryFormat.ELFKind = .executable,
        needed: [String] = [],
        interpreter: String? = nil
    ) -> ExecutableFacts {
        var facts = ExecutableFacts(format: .elf(machine: .init(machine), kind: kind))
        facts.needed = needed
        facts.interpreter = interpreter
        facts.hasDynamicInfo = true
        return facts
    }
}
