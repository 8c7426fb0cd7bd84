import Glibc
import ImgOCI
import ImgReport
import ImgTestKit
import Testing

@testable import ImgCLI

@Suite("Exit status", .serialized) struct ExitStatusTests {
    /// A context with one Dockerfile, and room for other files beside it.
    private func inContext(_ dockerfile: String, _ body: (_ context: String, Scratch) async throws -> Void) async throws
    {
        try await Scratch.with { scratch in
            try scratch.write("context/Dockerfile", dockerfile)
            try await body(scratch["context"], scratch)
        }
    }

    private static func isReadable(_ path: String) -> Bool { unsafe access(path, R_OK) == 0 }

    @Test(arguments: [
        ["--bogus"], ["--push", "."], ["build"], ["--call=lunch", "."], ["cache", "prune", "--keep-storage", "much"],
        ["login", "--password-stdin"], ["login", "-u", "x", "-p", "y", "not a host"],
        ["inspect"], ["inspect", "UPPER"], ["--registry-ca", "/no/such/file", "."],
        ["index", "create", "-t", "localhost/x:1", "--annotation", "manifest:a=b", "localhost/y:1"],
        ["index", "create", "--append", "--dry-run", "localhost/y:1"],
        ["inspect", "--raw", "--json", "localhost/x"], ["cache", "du", "--registry-insecure", "x"],
        ["logout", "--aws-profile", "x"], ["--call=build", "--check", "."], [""], ["pul", "x"], ["bake"],
        ["-o", "type=cacheonly,compression-level=99", "."],
        ["-o", "type=cacheonly,compression=uncompressed,compression-level=5", "."],
    ])
    func wrongUsageIsTwo(_ arguments: [String]) async {
        #expect(await CommandLineTool.run(arguments) == 2)
    }

    @Test(arguments: [["--version"], ["--help"], ["build", "--help"]])
    func helpIsZero(_ arguments: [String]) async {
        #expect(await CommandLineTool.run(arguments) == 0)
    }

    /// With a push it would be the tag that has moved by then.
    @Test(arguments: ["--iidfile", "--metadata-file"])
    func aResultFileThatCannotBeWrittenStopsTheBuildFirst(_ option: String) async throws {
        try await inContext("FROM scratch\nCOPY Dockerfile /\n") { context, scratch in
            let layout = "type=oci,tar=false,dest=\(scratch["layout"])"
            let status = await CommandLineTool.run([
                option, scratch["missing/file"], "--cache-dir", scratch["cache"], "--output", layout, context,
            ])
            #expect(status == 1)
            #expect(!Self.isReadable(scratch["layout"]))
        }
    }

    @Test func aCheckWithFindingsIsOne() async throws {
        try await inContext("FROM scratch\nCOPY Dockerfile /\n") { context, _ in
            #expect(await CommandLineTool.run(["--check", context]) == 0)
        }
        try await inContext("FROM scratch\ncopy Dockerfile /\nCOPY Dockerfile /x\n") { context, _ in
            #expect(await CommandLineTool.run(["--check", context]) == 1)
            #expect(await CommandLineTool.run(["--call=targets", context]) == 0)
        }
        try await inContext("FROM scratch\nCOYP a b\n") { context, _ in
            #expect(await CommandLineTool.run(["--check", context]) == 1)
            #expect(await CommandLineTool.run(["--call=outline", context]) == 1)
        }
    }

    @Test func aBuildWritesTheFilesAskedFor() async throws {
        try await inContext("# check=error=true\nFROM scratch\nCOPY Dockerfile /\n") { context, scratch in
            let files = ["--metadata-file", scratch["meta.json"], "--iidfile", scratch["iid"]]
            #expect(await CommandLineTool.run(["-q", "--cache-dir", scratch["cache"]] + files + [context]) == 0)
            #expect(Self.isReadable(scratch["meta.json"]))
            #expect(Self.isReadable(scratch["iid"]))
        }
    }

    @Test func aCacheThatCannotBeWrittenIsNotPruned() async throws {
        try await Scratch.with { scratch in
            try scratch.write("file", "")
            for command in ["prune", "du"] {
                #expect(await CommandLineTool.run(["cache", command, "--cache-dir", scratch["file/cache"]]) == 1)
            }
            #expect(await CommandLineTool.run(["cache", "prune", "--cache-dir", scratch["cache"]]) == 0)
        }
    }

    /// A parent may have set the pipe not to block, and read it slowly.
    @Test func aFullPipeIsWaitedFor() async {
        var ends: [Int32] = [0, 0]
        #expect(unsafe pipe(&ends) == 0)
        let (reader, writer) = (ends[0], ends[1])
        _ = fcntl(writer, F_SETFL, O_NONBLOCK)
        let lines = Array(repeating: String(repeating: "x", count: 99), count: 2000)
        let count = Task.detached {
            var (count, chunk) = (0, [UInt8](repeating: 0, count: 4096))
            while case let got = unsafe read(reader, &chunk, chunk.count), got > 0 {
                count += got
                usleep(1000)
            }
            return count
        }
        let console = Console(descriptor: writer)
        console.print(lines)
        close(writer)
        #expect(console.failure == nil)
        #expect(await count.value == 200_000)
        close(reader)
    }

    /// Only mistakes in arguments have the status of mistakes in arguments.
    @Test func anyErrorIsAFailure() {
        let failure = CommandLineTool.failure(OCIError("broken"))
        #expect(failure?.code == .failure)
        #expect(failure?.diagnostics.map(\.message) == ["broken"])
        #expect(CommandLineTool.failure(BuildError(.notFound, "gone"))?.code == .notFound)
    }

    @Test func whatCannotBeWrittenIsAFailure() {
        let full = unsafe open("/dev/full", O_WRONLY)
        defer { close(full) }
        let console = Console(descriptor: full)
        console.print(["sha256:x"])
        #expect(console.failure == "No space left on device")
        #expect(Console.standardOutput.failure == nil)
    }

    /// The first is only a warning where the file does not say otherwise.
    @Test(arguments: [
        ("# check=error=true\nFROM scratch\nCOPY Dockerfile /\nLABEL a b\n", Int32(1)),
        ("FROM scratch\nCOPY Dockerfile /\nLABEL a b\n", 0), ("FROM scratch\nRUN true\n", 1),
        ("FROM scratch\nCOPY absent /\n", 1),
    ])
    func aFailedBuildIsOne(_ dockerfile: String, _ status: Int32) async throws {
        try await inContext(dockerfile) { context, scratch in
            #expect(await CommandLineTool.run(["-q", "--cache-dir", scratch["cache"], context]) == status)
        }
    }
}
