import ImgChecks
import ImgLayers
import ImgOCI
import ImgStream
import ImgTree
import Testing

@testable import ImgBuilder

@Suite("Files of a stage for the checks") struct StageFilesTests {
    private static let elf = ExecutableFacts(format: .elf(machine: .init("arm64"), kind: .executable))

    private static func header(_ path: String, _ kind: TarHeader.Kind, link: String = "") -> TarHeader {
        var header = TarHeader(path: Array(path.utf8), kind: kind)
        header.mode = 0o755
        header.linkTarget = Array(link.utf8)
        return header
    }

    /// `/bin` is a link into `/usr`; `/usr/bin/tool` is known to the base's index, `/usr/bin/new` to notes of the build.
    private static func files() throws -> StageFiles {
        var builder = LayerIndex.Builder()
        try builder.append(header("bin", .symlink, link: "usr/bin"))
        try builder.append(header("etc", .directory))
        try builder.append(header("etc/passwd", .file), content: Array("root:x:0:0\nweb:x:33:44:w:/:/bin/sh\n".utf8))
        try builder.append(header("etc/group", .file), content: Array("www:x:55:\n".utf8))
        try builder.append(header("etc/ld.so.conf", .file), note: Array("/opt/lib\n".utf8))
        try builder.append(header("usr", .directory))
        try builder.append(header("usr/bin", .directory))
        try builder.append(header("usr/bin/tool", .file), note: elf.encoded)
        let index = try builder.finish()
        let digest = SHA256.digest(of: [])
        let load: @Sendable () async throws -> LayerIndex = { index }
        let base = StageTree(layers: [(digest: digest, load: load)])
        let own = LayerSpec(entries: [LayerEntry(header: header("usr/bin/new", .file), content: .bytes([]))])
        return StageFiles(tree: try base.appending(own), notes: [Array("usr/bin/new".utf8): elf.encoded])
    }

    @Test(arguments: ["/bin/tool", "usr/bin/tool", "/bin/new"])
    func factsThroughLinks(_ path: String) async throws {
        let file = try #require(try await Self.files().file(at: path))
        #expect(file.path == "/usr/bin/" + path.split(separator: "/").suffix(1).joined())
        #expect(file.kind == .file)
        #expect(file.facts == Self.elf)
    }

    @Test func whatIsNotThere() async throws {
        let files = try Self.files()
        #expect(try await files.file(at: "/bin/absent") == nil)
        #expect(try await files.names(in: "/absent").isEmpty)
        #expect(try await files.text(of: "/etc/absent") == nil)
        #expect(try await files.user(named: "nobody") == nil)
        #expect(try await files.group(named: "wheel") == nil)
        #expect(try await files.primaryGroup(of: 1) == nil)
    }

    @Test func directories() async throws {
        let files = try Self.files()
        #expect(try await files.file(at: "/usr")?.kind == .directory)
        #expect(try await files.names(in: "/bin") == ["new", "tool"])
    }

    @Test func accountsAndTexts() async throws {
        let files = try Self.files()
        let user = try #require(try await files.user(named: "web"))
        #expect(user.uid == 33)
        #expect(user.gid == 44)
        #expect(try await files.primaryGroup(of: 33) == 44)
        #expect(try await files.group(named: "www") == 55)
        #expect(try await files.text(of: "/etc/ld.so.conf") == "/opt/lib\n")
    }
}
