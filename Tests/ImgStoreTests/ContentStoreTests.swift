import ImgOCI
import ImgStore
import ImgStream
import ImgTestKit
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
    @Test func damageHeals() async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let blob = try Self.put("hello", in: store)
            try scratch.write("cache/blobs/sha256/\(blob.digest.hex)", "hel")
            #expect(store.path(of: blob.digest, size: 5) == nil)
            _ = try Self.put("hello", in: store)
            #expect(store.path(of: blob.digest, size: 5) != nil)
        }
    }

    @Test func recordsAreChecked() async throws {
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
}
