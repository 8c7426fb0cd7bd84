import Glibc
import ImgStream
import ImgTestKit
import Testing

@testable import ImgStore

/// What no caller of the store can bring about.
@Suite struct StoreInternalsTests {
    /// Some file systems tell only when a file is closed that there was no room for it.
    @Test func aBlobThatCannotBeClosedIsNotThere() async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            let digest = SHA256.digest(of: [0x61])
            do {
                let draft = try store.draft()
                try draft.write([0x61].span)
                let open = draft.descriptor
                defer { close(open) }
                draft.descriptor = 1 << 30
                #expect(throws: StreamError.self) { try draft.commit(as: digest) }
            }
            #expect(store.path(of: digest, size: 1) == nil)
            #expect(scratch.names(in: "cache/drafts").isEmpty)
        }
    }

    /// When the cache is full its drafts are elsewhere; those that were left behind in it go all the same.
    @Test func oldDraftsGoFromAFullCache() async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            try scratch.write("cache/drafts/old", "x")
            try await Program.output("touch", ["-d", "2020-01-01", scratch["cache/drafts/old"]])
            _ = try store.overflow(because: ENOSPC)
            store.prune(to: .max)
            #expect(scratch.names(in: "cache/drafts").isEmpty)
        }
    }

    /// Nobody has locked it any more.
    @Test func theMarkOfAKilledBuildGoes() async throws {
        try await Scratch.with { scratch in
            let store = try ContentStore.open(at: scratch["cache"], fallback: scratch.path)
            try scratch.write("cache/running/1", "")
            #expect(StoreMark.oldest(in: store.place.marks) == nil)
            #expect(scratch.names(in: "cache/running").isEmpty)
        }
    }
}
