import Glibc
import ImgOCI
import ImgReport
import ImgTestKit
import Synchronization
import Testing

@testable import ImgExport

@Suite("Files that are written whole") struct DraftFileTests {
    /// In a directory for everybody another user can make links; by the process's number a draft's name could be foreseen.
    @Test func aPlantedLinkIsNotFollowed() async throws {
        try await Scratch.with { scratch in
            try scratch.write("victim", "precious")
            for ending in ["draft", "tmp"] { try scratch.link("out.\(getpid()).\(ending)", to: scratch["victim"]) }
            try DraftFile.replace(scratch["out"], with: Array("new".utf8))
            #expect(try scratch.read("victim") == "precious")
            #expect(try scratch.read("out") == "new")
        }
    }

    @Test func twoWritersDoNotMix() async throws {
        try await Scratch.with { scratch in
            let first = try DraftFile(path: scratch["out"])
            try first.write([0x61, 0x61].span)
            let second = try DraftFile(path: scratch["out"])
            try second.write([0x62].span)
            try first.commit()
            #expect(try scratch.read("out") == "aa")
            try second.commit()
            #expect(try scratch.read("out") == "b")
            #expect(scratch.names() == ["out"])
        }
    }

    @Test func whatIsNotCommittedLeavesNothing() async throws {
        try await Scratch.with { scratch in
            try DraftFile(path: scratch["out"]).write([0x61].span)
            #expect(scratch.names().isEmpty)
        }
    }

    /// Some file systems tell only when a file is closed that there was no room for it.
    @Test func aFileThatCannotBeClosedIsNotThere() async throws {
        try await Scratch.with { scratch in
            try scratch.write("out", "old")
            let draft = try DraftFile(path: scratch["out"])
            try draft.write([0x61].span)
            let open = draft.descriptor.withLock { descriptor in
                defer { descriptor = 1 << 30 }
                return descriptor
            }
            defer { close(open) }
            #expect(throws: BuildError.self) { try draft.commit() }
            #expect(scratch.names() == ["out"])
            #expect(try scratch.read("out") == "old")
        }
    }

    /// A file in the place of a device would break other programs.
    @Test func aPipeIsWrittenAsItIs() async throws {
        try await Scratch.with { scratch in
            let path = scratch["pipe"]
            unsafe mkfifo(path, 0o600)
            let reader = unsafe open(path, O_RDONLY | O_NONBLOCK)
            defer { close(reader) }
            try DraftFile.check(path)
            try DraftFile.replace(path, with: [0x61])
            var byte: UInt8 = 0
            #expect(unsafe read(reader, &byte, 1) == 1 && byte == 0x61)
            #expect(scratch.names() == ["pipe"])
        }
    }

    @Test func placesAreCheckedWithoutATrace() async throws {
        try await Scratch.with { scratch in
            try scratch.write("file", "")
            scratch.makeParents(of: "directory/x")
            try scratch.link("dangling", to: "nowhere")
            try DraftFile.check("-")
            try DraftFile.check(scratch["file"])
            try DraftFile.check(scratch["new"])
            try DraftFile.check("new")
            for path in ["directory", "missing/new", "file/new"] {
                #expect(throws: BuildError.self) { try DraftFile.check(scratch[path]) }
            }
            try LayoutExporter.check(scratch["directory"])
            try LayoutExporter.check(scratch["a/b/c"])
            for path in ["file", "file/new", "dangling"] {
                #expect(throws: BuildError.self) { try LayoutExporter.check(scratch[path]) }
            }
            try scratch.write("directory/index.json", "{")
            #expect(throws: BuildError.self) { try LayoutExporter.check(scratch["directory"]) }
            #expect(scratch.names() == ["dangling", "directory", "file"])
        }
    }

    /// Each reads the index and writes it again with its own entry.
    @Test func exportsIntoOneLayoutAtOnce() async throws {
        try await Scratch.with { scratch in
            let names = try (0..<24).map { try ImageReference(parsing: "app:\($0)") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for name in names {
                    group.addTask {
                        try await LayoutExporter(path: scratch["layout"], names: [name], pool: LayoutTests.pool)
                            .export(LayoutTests.graph())
                    }
                }
                try await group.waitForAll()
            }
            let index = try ImageIndex(parsing: Array(try scratch.read("layout/index.json").utf8))
            #expect(Set(index.manifests.compactMap { $0.annotations["org.opencontainers.image.ref.name"] }).count == 24)
            #expect(scratch.names(in: "layout") == ["blobs", "index.json", "oci-layout"])
        }
    }
}
