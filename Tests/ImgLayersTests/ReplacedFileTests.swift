import Glibc
import ImgOCI
import ImgStream
import ImgTestKit
import Testing

@testable import ImgLayers

/// Files that are others when they are read than when they were found.
@Suite(.timeLimit(.minutes(1))) struct ReplacedFileTests {
    private static func read(after change: String) async throws -> String {
        try await Scratch.with { scratch in
            try scratch.write("context/dir/file", "wanted")
            try scratch.write("outside/file", "secret")
            let tree = try await ContextTree.open(scratch["context"], ignoring: nil, pool: Scenario.pool)
            let entry = try #require(try await tree.lookup(Array("dir/file".utf8)))
            let content = try #require(tree.content(of: entry))
            // Its time of change is not that of the file that is wanted.
            let script = "sleep 0.05; touch outside/file; \(change)"
            try await Program.output("sh", ["-c", script], in: scratch.path)
            return String(decoding: try content.openLocal()?.readAll(limit: 100) ?? [], as: UTF8.self)
        }
    }

    @Test(arguments: ["true", "mv context/dir other && mkdir context/dir && mv other/file context/dir"])
    func theSameFileIsRead(_ change: String) async throws {
        #expect(try await Self.read(after: change) == "wanted")
    }

    /// As on file systems that forget the numbers of files.
    @Test func aFileMayGetAnotherNumber() async throws {
        try await Scratch.with { scratch in
            try scratch.write("file", "wanted")
            let tree = try await ContextTree.open(scratch.path, ignoring: nil, pool: Scenario.pool)
            let entry = try #require(try await tree.lookup(Array("file".utf8)))
            guard case .file(let path, let size, var identity)? = tree.content(of: entry) else {
                Issue.record("no file")
                return
            }
            identity.inode += 1
            let content = ContentRef.file(path: path, size: size, identity: identity)
            #expect(try content.openLocal()?.readAll(limit: 100) == Array("wanted".utf8))
            identity.changed.seconds -= 1
            let other = ContentRef.file(path: path, size: size, identity: identity)
            #expect(throws: StreamError.self) { try other.openLocal() }
        }
    }

    /// Neither is a link above it followed, nor does a pipe hold the build up.
    @Test(arguments: [
        "mv context/dir other && ln -s ../outside context/dir", "ln -f outside/file context/dir/file",
        "ln -sf ../../outside/file context/dir/file", "rm context/dir/file && mkfifo context/dir/file",
    ])
    func anotherFileIsNot(_ change: String) async throws {
        await #expect(throws: StreamError.self) { try await Self.read(after: change) }
    }
}
