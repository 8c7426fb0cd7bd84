import ImgOCI
import ImgStore
import ImgStream
import ImgTestKit
import Synchronization
import Testing

@Suite struct ContentStoreTests {
    static func put(_ text: String, in store: ContentStore) throws -> (digest: Digest, path: String) {
        let bytes = Array(text.utf8)
        let draft = try store.draft()
        try draft.write(bytes.span)
        let digest = SHA256.digest(of: bytes)
        return (digest, try draft.commit(as: digest))
    }

    @Test func blobsSurviveReopening() async throws {
        try await Scratch.with { scratch in
            let first = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let blob = try Self.put("hello", in: first)
            let second = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            #expect(second.path(of: blob.digest, size: 5) == blob.path)
            #expect(try scratch.read("cache/blobs/sha256/\(blob.digest.hex)") == "hello")
        }
    }

    /// A truncated blob is as good as none, and goes away.
    @Test func aTruncatedBlobIsWrittenAnew() async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let blob = try Self.put("hello", in: store)
            try scratch.write("cache/blobs/sha256/\(blob.digest.hex)", "hel")
            #expect(store.path(of: blob.digest, size: 5) == nil)
            let again = try Self.put("hello", in: store)
            #expect(store.path(of: blob.digest, size: 5) == again.path)
            #expect(try scratch.read("cache/blobs/sha256/\(blob.digest.hex)") == "hello")
        }
    }

    @Test func aChangedRecordIsNotGivenOut() async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            store.setRecord(namespace: "n", key: "k", [1, 2, 3])
            #expect(store.record(namespace: "n", key: "k") == [1, 2, 3])
            #expect(store.record(namespace: "n", key: "other") == nil)
            let file = try await Program.output("find", [scratch["cache/records"], "-type", "f"])
            let path = String(file.dropLast())
            _ = try await Program.output("sh", ["-c", "printf x >> \(path)"])
            #expect(store.record(namespace: "n", key: "k") == nil)
        }
    }

    @Test func abandonedDraftsLeaveNothing() async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            do {
                let draft = try store.draft()
                try draft.write([1].span)
            }
            #expect(try await Program.output("find", [scratch["cache/drafts"], "-type", "f"]).isEmpty)
        }
    }

    /// A cache that can't be written never fails a build.
    @Test func fallsBackToATemporaryStore() async throws {
        try await Scratch.with { scratch in
            try scratch.write("file", "in the way")
            do {
                let store = try ContentStore.open(at: scratch["file/cache"], fallback: scratch.path)
                #expect(!store.isPersistent)
                #expect(store.degradation?.contains("cannot write") == true)
                _ = try Self.put("x", in: store)
            }
            #expect(try await Program.output("find", [scratch.path, "-mindepth", "1", "-name", "imgbuild-*"]).isEmpty)
        }
    }

    /// There are layers of private images in it, and `/tmp` is for everybody.
    @Test func othersCannotLookIn() async throws {
        try await Scratch.with { scratch in
            _ = try ContentStore.open(at: scratch["home/cache"], fallback: scratch.path)
            #expect(try scratch.permissions("home/cache") == 0o700)
            try scratch.write("file", "in the way")
            let temporary = try ContentStore.open(at: scratch["file/cache"], fallback: scratch.path)
            #expect(temporary.path.hasPrefix(scratch["imgbuild-"]))
            #expect(try scratch.permissions(String(temporary.path.dropFirst(scratch.path.count + 1))) == 0o700)
        }
    }

    /// Who has let others in keeps that.
    @Test func aDirectoryThatIsThereKeepsItsMode() async throws {
        try await Scratch.with { scratch in
            scratch.makeParents(of: "cache/x")
            let before = try scratch.permissions("cache")
            _ = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            #expect(try scratch.permissions("cache") == before)
        }
    }

    @Test func pruningTakesTheOldestFirst() async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let old = try Self.put(String(repeating: "a", count: 8192), in: store)
            let new = try Self.put(String(repeating: "b", count: 8192), in: store)
            try await Program.output("touch", ["-d", "2020-01-01", old.path])
            #expect(store.usage().blobCount == 2)
            store.prune(to: 8192)
            #expect(store.path(of: old.digest, size: 8192) == nil)
            #expect(store.path(of: new.digest, size: 8192) != nil)
        }
    }

    /// Whatever the limit; and nothing older.
    @Test func pruningKeepsWhatARunningBuildUses() async throws {
        try await Scratch.with { scratch in
            let pruner = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let old = try Self.put("old", in: pruner)
            try await Program.output("touch", ["-d", "2020-01-01", old.path])
            let used = try Self.put("used", in: pruner)
            try await Program.output("touch", ["-d", "2020-01-01", used.path])
            let build = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            build.keepFromPruning()
            let new = try Self.put("new", in: build)
            #expect(build.path(of: used.digest, size: 4) != nil)
            pruner.prune(to: 0)
            #expect(build.path(of: old.digest, size: 3) == nil)
            #expect(build.path(of: used.digest, size: 4) == used.path)
            #expect(build.path(of: new.digest, size: 3) == new.path)
            build.removeTemporaryFiles()
            #expect(scratch.names(in: "cache/running").isEmpty)
            pruner.prune(to: 0)
            #expect(pruner.usage().blobCount == 0)
        }
    }

    /// Same size, other bytes: a program changed the file, or the machine lost power.
    @Test func aBlobWithOtherBytesIsThrownAway() async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let blob = try Self.put("hello", in: store)
            try scratch.write("cache/blobs/sha256/\(blob.digest.hex)", "hellO")
            #expect(store.path(of: blob.digest, size: 5) == nil)
            #expect(try await Program.run("test", ["-e", blob.path]).status == 1)
        }
    }

    /// A cache that was restored from an archive has other times; what is right stays.
    @Test(arguments: ["2001-01-01", "now"])
    func restoredContentIsVerified(_ time: String) async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let blob = try Self.put("hello", in: store)
            try await Program.output("touch", ["-d", time, blob.path])
            #expect(store.path(of: blob.digest, size: 5) == blob.path)
            let stamp = try await Program.output("stat", ["-c", "%y", blob.path])
            #expect(store.path(of: blob.digest, size: 5) == blob.path)
            #expect(try await Program.output("stat", ["-c", "%y", blob.path]) == stamp)
        }
    }

    /// When the cache's file system takes no more, the layer goes to the temporary directory, with one warning.
    @Test func aFullCacheOverflows() async throws {
        try await Scratch.with { scratch in
            let warnings = Mutex<[String]>([])
            do {
                let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path) { text in
                    warnings.withLock { $0.append(text) }
                }
                let (first, second) = (try store.draft(), try store.draft())
                try first.write(Array("hel".utf8).span)
                try await Program.output("rm", ["-r", scratch["cache"]])
                try scratch.write("cache", "in the way")
                try first.write(Array("lo".utf8).span)
                let path = try first.commit(as: SHA256.digest(of: Array("hello".utf8)))
                #expect(try await Program.output("cat", [path]) == "hello")
                try second.write(Array("x".utf8).span)
                let digest = SHA256.digest(of: Array("x".utf8))
                let other = try second.commit(as: digest)
                #expect(store.path(of: digest, size: 1) == other)
                _ = try Self.put("third", in: store)
                #expect(warnings.withLock { $0.count } == 1)
            }
            #expect(try await Program.output("find", [scratch.path, "-mindepth", "1", "-name", "imgbuild-*"]).isEmpty)
        }
    }

    /// Others follow a blob while it is written; its end, or that it had to move, ends that.
    @Test(arguments: ["committed", "moved", "discarded"])
    func aDraftIsShown(_ end: String) async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let file = GrowingFile()
            do {
                let draft = try store.draft()
                draft.show(to: file)
                try draft.write(Array("hel".utf8).span)
                #expect(try file.read(from: 0, count: 10) == Array("hel".utf8))
                #expect(!file.isEnded)
                if end == "moved" {
                    try await Program.output("rm", ["-r", scratch["cache"]])
                    try scratch.write("cache", "in the way")
                }
                if end != "discarded" {
                    try draft.write(Array("lo".utf8).span)
                    let path = try draft.commit(as: SHA256.digest(of: Array("hello".utf8)))
                    #expect(try await Program.output("cat", [path]) == "hello")
                }
            }
            #expect(file.isEnded)
        }
    }

    @Test func twoStoresWriteTheSameBlob() async throws {
        try await Scratch.with { scratch in
            let one = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let two = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let (first, second) = (try one.draft(), try two.draft())
            for draft in [first, second] { try draft.write(Array("same".utf8).span) }
            let digest = SHA256.digest(of: Array("same".utf8))
            #expect(try first.commit(as: digest) == second.commit(as: digest))
            #expect(one.path(of: digest, size: 4) == two.path(of: digest, size: 4))
            #expect(try scratch.read("cache/blobs/sha256/\(digest.hex)") == "same")
            #expect(one.usage().blobCount == 1)
        }
    }
}
