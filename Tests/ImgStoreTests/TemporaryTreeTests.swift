import Glibc
import ImgStore
import ImgTestKit
import Testing

@Suite struct TemporaryTreeTests {
    @Test func removesWhateverIsThere() async throws {
        try await Scratch.with { scratch in
            try scratch.write("out/kept", "")
            let path = try #require(TemporaryTree.make(in: scratch.path, "tree"))
            let name = String(path.dropFirst(scratch.path.count + 1))
            #expect(try scratch.permissions(name) == 0o700)
            try scratch.write("\(name)/a/f", "")
            try scratch.link("\(name)/a/l", to: scratch["out"])
            try await Program.output("mkfifo", ["\(path)/a/p"])
            // A name that is no text, and directories that their owner cannot write or enter.
            let script =
                "mkdir -p locked/in \"$(printf 'n\\374')/x\"; touch locked/f; chmod 0 locked/in; chmod 555 locked"
            try await Program.output("sh", ["-c", script], in: path)
            TemporaryTree.remove(path)
            #expect(scratch.names() == ["out"])
            #expect(scratch.names(in: "out") == ["kept"])
        }
    }

    /// As deep as a path can be, with fewer descriptors than levels.
    @Test func goesDeep() async throws {
        try await Scratch.with { scratch in
            let path = try #require(TemporaryTree.make(in: scratch.path, "tree"))
            var deep = path
            while deep.utf8.count < 4000 {
                deep += "/d"
                let status = unsafe mkdir(deep, 0o755)
                try #require(status == 0)
            }
            TemporaryTree.remove(path)
            #expect(scratch.names().isEmpty)
        }
    }
}
