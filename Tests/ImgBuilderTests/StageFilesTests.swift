import ImgChecks
import ImgLayers
import ImgOCI
import ImgStream
import ImgTasks
import ImgTree
import Testing

@testable import ImgBuilder

@Suite("Files of a stage for the checks") struct StageFilesTests {
    private static let elf = ExecutableFacts(format: .elf(machine: .init("arm64"), kind: .executable))

    private static func header(
        _ path: String,
        _ kind: TarHeader.Kind,
        link: String = "",
        size: Int64 = 0
    ) -> TarHeader {
        var header = TarHeader(path: Array(path.utf8), kind: kind)
        header.size = size
        header.mode = 0o755
        header.linkTarget = Array(link.utf8)
        return header
    }

    /// `/bin` is a link into `/usr`; `/usr/bin/tool` is known to the base's index, `/usr/bin/new` to notes of the build.
    private static func files() throws -> StageFiles {
        var builder = LayerIndex.Builder()
        try builder.append(header("bin", .symlink, link: "usr/bin"))
        try builder.append(header("etc", .directory))
        try builder.append(
            header("etc/passwd", .file, size: 36),
            content: Array("root:x:0:0\nweb:x:33:44:w:/:/bin/sh\n".utf8)
        )
        try builder.append(header("etc/group", .file, size: 10), content: Array("www:x:55:\n".utf8))
        try builder.append(header("etc/ld.so.conf", .file, size: 9), note: Array("/opt/lib\n".utf8))
        try builder.append(header("usr", .directory))
        try builder.append(header("usr/bin", .directory))
        try builder.append(header("usr/bin/tool", .file), note: elf.encoded)
        let index = try builder.finish()
        let digest = SHA256.digest(of: [])
        let load: @Sendable () async throws -> LayerIndex = { index }
        let base = StageTree(layers: [(digest: digest, load: load)])
        let file = ContentRef.layerEntry(layer: digest, ordinal: 0, size: 1)
        let first = LayerSpec(entries: [
            LayerEntry(header: header("srv/passwd", .file, size: 1), content: file),
            LayerEntry(header: header("srv/tool", .file, size: 1), content: file),
        ])
        let second = LayerSpec(entries: [
            LayerEntry(header: header("srv/tool", .file, size: 1), content: file),
            LayerEntry(header: header("usr/bin/new", .file, size: 1), content: file),
            LayerEntry(header: header("usr/bin/twin", .hardlink, link: "usr/bin/new")),
        ])
        return StageFiles(
            tree: try base.appending(first).appending(second),
            own: [
                [Array("srv/passwd".utf8): Array("root:x:0:0\n".utf8), Array("srv/tool".utf8): elf.encoded],
                [Array("usr/bin/new".utf8): elf.encoded],
            ],
            pool: BlockingPool(threads: 1)
        )
    }

    @Test(arguments: ["/bin/tool", "usr/bin/tool", "/bin/new"])
    func factsThroughLinks(_ path: String) async throws {
        let file = try #require(try await Self.files().file(at: path))
        #expect(file.path == "/usr/bin/" + path.split(separator: "/").suffix(1).joined())
        #expect(file.kind == .file)
        #expect(file.facts == Self.elf)
    }

    @Test func whatIsNotThereIsNil() async throws {
        let files = try Self.files()
        #expect(try await files.file(at: "/bin/absent") == nil)
        #expect(try await files.names(in: "/absent").isEmpty)
    }

    @Test func directoriesAreListedThroughLinks() async throws {
        let files = try Self.files()
        #expect(try await files.file(at: "/usr")?.kind == .directory)
        #expect(try await files.names(in: "/bin") == ["new", "tool", "twin"])
    }

    /// A hard link has the facts of the file it is; a file that is replaced loses those of the former.
    @Test func notesBelongToTheirLayer() async throws {
        let files = try Self.files()
        #expect(try await files.file(at: "/usr/bin/twin")?.facts == Self.elf)
        #expect(try await files.file(at: "/srv/tool")?.facts == nil)
    }

    @Test func pathsLeadThroughLinks() async throws {
        let files = try Self.files()
        #expect(try await files.destination(of: "/bin/absent") == "/usr/bin/absent")
        #expect(try await files.destination(of: "/bin/../x") == "/usr/x")
    }

    @Test func textsComeFromTheBaseAndTheBuild() async throws {
        let files = try Self.files()
        #expect(try await files.text(of: "/etc/passwd") == .text("root:x:0:0\nweb:x:33:44:w:/:/bin/sh\n"))
        #expect(try await files.text(of: "/etc/group") == .text("www:x:55:\n"))
        #expect(try await files.text(of: "/etc/ld.so.conf") == .text("/opt/lib\n"))
        #expect(try await files.text(of: "/etc/absent") == .absent)
        #expect(try await files.text(of: "/etc") == .unknown)
        #expect(try await files.text(of: "/srv/passwd") == .text("root:x:0:0\n"))
        #expect(try await files.text(of: "/srv/tool") == .unknown)
    }
}
