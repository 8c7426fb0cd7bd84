import ImgDockerfile
import ImgLayers
import ImgOCI
import ImgReport
import ImgStream
import ImgTasks
import ImgTestKit
import ImgTree
import Testing

@testable import ImgBuilder

/// Tars of strangers as contexts: whatever is in them, only their own directory changes.
@Suite("Contexts that are archives") struct ContextArchiveTests {
    /// Path, kind, mode, and a link's target or a file's content.
    typealias Member = (path: String, kind: TarHeader.Kind, mode: UInt16, text: String)

    private static let time = Timestamp(seconds: 1_000_000)

    private static func tar(_ members: [Member]) throws -> [UInt8] {
        let sink = Collected()
        var writer = TarWriter(into: sink)
        for member in members {
            var header = TarHeader(path: Array(member.path.utf8), kind: member.kind)
            header.mode = member.mode
            header.mtime = time
            if member.kind == .file { header.size = Int64(member.text.utf8.count) }
            if member.kind != .file { header.linkTarget = Array(member.text.utf8) }
            try writer.append(header)
            if member.kind == .file { try writer.write(Array(member.text.utf8).span) }
        }
        try writer.finish()
        return sink.bytes
    }

    /// Unpacks into `in`, beside which `out/secret` lies with mode 0600.
    private static func unpacked(
        _ members: [Member],
        _ body: (Scratch, Result<ContextArchive.Modes, any Error>) async throws -> Void
    ) async throws {
        try await Scratch.with { scratch in
            try scratch.write("out/secret", "secret", mode: 0o600)
            scratch.makeParents(of: "in/x")
            let members = members.map { member in
                var copy = member
                copy.text = member.text.replacing("OUT", with: scratch["out"])
                return copy
            }
            let tar = try tar(members)
            let result = Result { try ContextArchive.unpack(BytesSource(tar), into: scratch["in"]) }
            try await body(scratch, result)
            #expect(try scratch.permissions("out/secret") == 0o600)
            #expect(try scratch.read("out/secret") == "secret")
            #expect(scratch.names(in: "out") == ["secret"])
        }
    }

    @Test func aDirectoryInPlaceOfALinkDoesNotChangeWhatItLedTo() async throws {
        try await Self.unpacked([("d", .symlink, 0o777, "OUT/secret"), ("d", .directory, 0o4777, "")]) {
            scratch,
            result in
            _ = try result.get()
            #expect(try scratch.isDirectory("in/d"))
        }
    }

    @Test func aDirectoryInPlaceOfALinkToADirectory() async throws {
        try await Self.unpacked([
            ("d", .symlink, 0o777, "OUT"), ("d", .directory, 0o755, ""), ("d/f", .file, 0o644, "1"),
        ]) { scratch, result in
            _ = try result.get()
            #expect(scratch.names(in: "in/d") == ["f"])
        }
    }

    @Test func hardLinksDoNotGoThroughLinks() async throws {
        try await Self.unpacked([("a", .symlink, 0o777, "OUT"), ("x", .hardlink, 0o644, "a/secret")]) {
            scratch,
            result in
            #expect(throws: StreamError.self) { _ = try result.get() }
            #expect(scratch.names(in: "in") == ["a"])
        }
    }

    @Test func filesDoNotGoThroughLinks() async throws {
        try await Self.unpacked([
            ("a", .symlink, 0o777, "OUT"), ("a/secret", .file, 0o644, "mine"), ("b", .symlink, 0o777, "OUT/secret"),
            ("b", .file, 0o666, "mine"),
        ]) { scratch, result in
            _ = try result.get()
            #expect(try scratch.isDirectory("in/a"))
            #expect(try scratch.read("in/b") == "mine")
        }
    }

    /// The system would keep a user who is not root from reading and removing them.
    @Test func modesThatLockOutAreKeptBeside() async throws {
        try await Self.unpacked([
            ("d", .directory, 0o555, ""), ("d/f", .file, 0o000, "1"), ("d/l", .hardlink, 0o000, "d/f"),
            ("n", .directory, 0o000, ""), ("n/s", .file, 0o4755, "2"), ("n/plain", .file, 0o640, "3"),
        ]) { scratch, result in
            let modes = try result.get()
            #expect(try scratch.permissions("in/d") == 0o755)
            #expect(try scratch.permissions("in/d/f") == 0o600)
            #expect(try scratch.permissions("in/n") == 0o700)
            #expect(try scratch.permissions("in/n/s") == 0o755)
            let pool = BlockingPool(threads: 1)
            let files = try await ContextTree.open(scratch["in"], ignoring: nil, pool: pool)
            let tree = UnpackedTree(base: files, modes: modes)
            let found = try await tree.descendants(of: [])
                .map { "\(String(decoding: $0.path, as: UTF8.self)) \($0.mode)" }
            #expect(
                found == [
                    "d \(0o555)", "d/f 0", "d/l 0", "n 0", "n/plain \(0o640)", "n/s \(0o4755)",
                ]
            )
            #expect(try await tree.lookup(Array("n/s".utf8))?.mode == 0o4755)
            #expect(try await tree.children(of: Array("d".utf8)).map(\.mode) == [0, 0])
        }
    }

    /// The same archive gives the same image, whenever it is unpacked and whatever the umask is.
    @Test func directoriesWithoutAHeaderTakeTheNewestTime() async throws {
        try await Self.unpacked([("a/b/f", .file, 0o644, "1")]) { scratch, result in
            let modes = try result.get()
            let pool = BlockingPool(threads: 1)
            let files = try await ContextTree.open(scratch["in"], ignoring: nil, pool: pool)
            let found = try await UnpackedTree(base: files, modes: modes).descendants(of: [])
            #expect(found.map(\.mtime) == [Self.time, Self.time, Self.time])
            #expect(found.map(\.mode) == [0o755, 0o755, 0o644])
        }
    }

    @Test func namesThatAreNoText() async throws {
        try await Self.unpacked([]) { scratch, _ in
            let sink = Collected()
            var writer = TarWriter(into: sink)
            var header = TarHeader(path: [0x66, 0xfc], kind: .file)
            header.mode = 0o644
            try writer.append(header)
            try writer.finish()
            _ = try ContextArchive.unpack(BytesSource(sink.bytes), into: scratch["in"])
            let pool = BlockingPool(threads: 1)
            let files = try await ContextTree.open(scratch["in"], ignoring: nil, pool: pool)
            #expect(try await files.children(of: []).map(\.path) == [[0x66, 0xfc]])
        }
    }

    /// A parse error would print the lines of the file that a link leads to.
    @Test(arguments: ["Dockerfile", ".dockerignore", "Dockerfile.dockerignore"])
    func whatIsReadBesideCopyStaysInside(_ name: String) async throws {
        try await Scratch.with { scratch in
            try scratch.write("secret", "FROM scratch\nLABEL [secret\n")
            var members: [Member] = [(name, .symlink, 0o777, scratch["secret"])]
            if name != "Dockerfile" { members.append(("Dockerfile", .file, 0o644, "FROM scratch\n")) }
            try scratch.write("c.tar", try Self.tar(members))
            let opened = try? await Self.opener(scratch).open(BuildRequest(context: .archive(scratch["c.tar"])))
            if name == "Dockerfile" { #expect(opened == nil) } else { #expect(opened != nil && opened?.ignore == nil) }
        }
    }

    /// Whether between its members or inside of one.
    @Test(arguments: [0, 1 << 20]) func unpackingEndsWithItsTask(_ place: Int) async throws {
        try await Scratch.with { scratch in
            let tar = try Self.tar([("a", .file, 0o644, String(repeating: "x", count: 4 << 20))])
            scratch.makeParents(of: "in/x")
            let unpacking = Task { try ContextArchive.unpack(CancellingSource(tar, at: place), into: scratch["in"]) }
            let error = await #expect(throws: StreamError.self) { try await unpacking.value }
            #expect(error?.code == .cancelled)
            #expect(scratch.names(in: "in") == (place == 0 ? [] : ["a"]))
        }
    }

    @Test func linksInsideAreFollowed() async throws {
        try await Scratch.with { scratch in
            try scratch.write(
                "c.tar",
                try Self.tar([
                    ("Dockerfile", .symlink, 0o777, "/docker/file"), ("docker/file", .file, 0o644, "FROM scratch\n"),
                    (".dockerignore", .symlink, 0o777, "../docker/ignore"), ("docker/ignore", .file, 0o644, "x\n"),
                ])
            )
            let opened = try await Self.opener(scratch).open(BuildRequest(context: .archive(scratch["c.tar"])))
            #expect(opened.dockerfile.bytes == Array("FROM scratch\n".utf8))
            #expect(opened.ignore?.patterns.count == 1)
        }
    }

    private static func opener(_ scratch: Scratch) -> ContextOpener {
        let pool = BlockingPool(threads: 1)
        return ContextOpener(
            environment: BuilderEnvironment(
                variables: [:],
                homeDirectory: "/nonexistent",
                workingDirectory: scratch.path
            ),
            git: GitCommand(variables: [:]),
            scratch: ScratchDirectories(parent: scratch.path, pool: pool),
            pool: pool
        )
    }
}

/// Bytes in small pieces, and the end of the reader's task before one of them.
private final class CancellingSource: ByteSource {
    private let bytes: [UInt8]
    private let place: Int
    private var position = 0

    init(_ bytes: [UInt8], at place: Int) {
        self.bytes = bytes
        self.place = place
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if position >= place { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
        let count = min(buffer.count, bytes.count - position, 4096)
        unsafe buffer.copyBytes(from: bytes[position..<position + count])
        position += count
        return count
    }
}

private final class Collected: ByteSink {
    var bytes: [UInt8] = []

    func write(_ span: Span<UInt8>) { for index in span.indices { bytes.append(span[index]) } }
}
