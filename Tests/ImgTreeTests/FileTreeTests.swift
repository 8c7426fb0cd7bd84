import ImgOCI
import ImgStream
import ImgTestKit
import Synchronization
import Testing

@testable import ImgTree

@Suite struct FileTreeTests {
    private final class Counter: Sendable {
        private let counts = Mutex<[Int: Int]>([:])

        func provider(_ number: Int, _ index: LayerIndex) -> LayerProvider {
            LayerProvider(digest: nil) {
                self.counts.withLock { $0[number, default: 0] += 1 }
                await Task.yield()
                return index
            }
        }

        var loaded: [Int: Int] { counts.withLock { $0 } }
    }

    @Test(arguments: [
        ("etc/new", [1: 1]), ("etc/hosts", [0: 1, 1: 1]), ("opq/x", [1: 1]), ("gone/x", [1: 1]), ("gone", [1: 1]),
        ("file/x", [1: 1]), ("etc", [1: 1]), ("implied", [0: 1, 1: 1]), ("other", [0: 1, 1: 1]),
    ])
    func lowerLayersAreOnlyLoadedWhenTheyDecide(_ path: String, _ loaded: [Int: Int]) async throws {
        let counter = Counter()
        let tree = FileTree(layers: [
            counter.provider(0, try layer("d etc", "f etc/hosts", "d opq", "f opq/x", "d gone", "f gone/x", "d file")),
            counter.provider(
                1,
                try layer("d etc", "f etc/new", "d opq", "f opq/.wh..wh..opq", "f .wh.gone", "f file", "f implied/x")
            ),
        ])
        _ = try await tree.lookup(bytes(path))
        #expect(counter.loaded == loaded)
    }

    @Test func manyAsk_oneLoads() async throws {
        let counter = Counter()
        let tree = FileTree(layers: [counter.provider(0, try layer("f a"))])
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 { group.addTask { try await tree.lookup(bytes("a")) != nil } }
            for try await found in group { #expect(found) }
        }
        #expect(counter.loaded == [0: 1])
    }

    @Test(.timeLimit(.minutes(1))) func whoIsCancelledDoesNotWaitForTheOneWhoLoads() async throws {
        let (loading, tellLoading) = AsyncStream.makeStream(of: Void.self)
        let (loaded, tellLoaded) = AsyncStream.makeStream(of: Void.self)
        let index = try layer("f a")
        let tree = FileTree(layers: [
            LayerProvider(digest: nil) {
                tellLoading.finish()
                for await _ in loaded {}
                return index
            }
        ])
        let first = Task { try await tree.lookup(bytes("a")) }
        for await _ in loading {}
        let second = Task { try await tree.lookup(bytes("a")) }
        second.cancel()
        await #expect(throws: TreeError.self) { try await second.value }
        tellLoaded.finish()
        #expect(try await first.value != nil)
    }

    @Test func aFailureIsNotKept() async throws {
        struct Broken: Error {}
        let attempts = Mutex(0)
        let index = try layer("f a")
        let provider = LayerProvider(digest: nil) {
            let attempt = attempts.withLock { count -> Int in
                count += 1
                return count
            }
            if attempt == 1 { throw Broken() }
            return index
        }
        let tree = FileTree(layers: [provider])
        await #expect(throws: TreeError.self) { try await tree.lookup(bytes("a")) }
        #expect(try await tree.lookup(bytes("a")) != nil)
    }

    @Test func impliedDirectoriesTakeMetadataFromBelow() async throws {
        let tree = tree(try layer("d 700 a", "d 711 b"), try layer("f a/x", "f .wh.b", "f b/x", "f c/d/x"))
        #expect(try await tree.lookup(bytes("a"))?.mode == 0o700)
        #expect(try await tree.lookup(bytes("b"))?.mode == 0o755)
        #expect(try await tree.lookup(bytes("c/d"))?.mode == 0o755)
        #expect(try await tree.walk().map(\.mode) == [0o700, 0o644, 0o755, 0o644, 0o755, 0o755, 0o644])
    }

    @Test func aDirectoryOverALinkHidesIt() async throws {
        let tree = tree(try layer("d usr", "f usr/x", "l lib -> usr"), try layer("f lib/y"))
        #expect(try await tree.lookup(bytes("lib"))?.kind == .directory)
        #expect(paths(try await tree.children(of: bytes("lib"))) == ["lib/y"])
    }

    @Test func childrenOfWhatIsNoDirectory() async throws {
        let tree = tree(try layer("f a"))
        #expect(try await tree.children(of: bytes("a")).isEmpty)
        #expect(try await tree.children(of: bytes("b")).isEmpty)
        #expect(try await FileTree().walk().isEmpty)
    }

    /// Random layers, against a model that applies them one after the other as an unpacker does.
    @Test(arguments: 0..<400)
    func agreesWithUnpacking(_ seed: Int) async throws {
        var dice = Dice(seed: seed)
        var model: [String: UInt16?] = [:]
        var tree = FileTree()
        for _ in 0..<5 {
            let entries = randomLayer(&dice)
            tree = tree.appending(try layer(entries.map { header($0) }))
            apply(entries, to: &model)
        }
        let walked = try await tree.walk()
        let wanted = model.keys.sorted { PathOrder.precedes(bytes($0), bytes($1)) }
        #expect(paths(walked) == wanted)
        for entry in walked {
            let path = String(decoding: entry.path, as: UTF8.self)
            #expect(entry.isDirectory == (model[path] == .some(nil)), "\(path)")
            #expect(try await tree.lookup(entry.path) == entry)
        }
        for first in "abc" {
            for second in "abc" where model["\(first)/\(second)"] == nil {
                #expect(try await tree.lookup(bytes("\(first)/\(second)")) == nil)
            }
        }
    }

    private func randomLayer(_ dice: inout Dice) -> [String] {
        var used: Set<String> = []
        var files: Set<String> = []
        var entries: [String] = []
        for _ in 0..<dice.number(1...8) {
            let depth = dice.number(1...3)
            let parts = (0..<depth).map { _ in dice.pick(["a", "b", "c"]) }
            let path = parts.joined(separator: "/")
            let ancestors = (1..<max(depth, 1)).map { parts[..<$0].joined(separator: "/") }
            if ancestors.contains(where: files.contains) || !used.insert(path).inserted { continue }
            switch dice.number(0...4) {
            case 0: entries.append("d \(path)")
            case 1:
                entries.append("d \(path)")
                entries.append("f \(path)/.wh..wh..opq")
            case 2: entries.append("f \((ancestors.last.map { $0 + "/" } ?? ""))" + ".wh.\(parts[depth - 1])")
            default:
                if used.contains(where: { $0.hasPrefix(path + "/") }) { continue }
                files.insert(path)
                entries.append("f \(path)")
            }
            for ancestor in ancestors where !used.contains(ancestor) { used.insert(ancestor + "/") }
        }
        return entries
    }

    /// nil marks a directory.
    private func apply(_ entries: [String], to model: inout [String: UInt16?]) {
        for entry in entries {
            let path = String(entry.dropFirst(2))
            if path.hasSuffix(".wh..wh..opq") {
                let directory = String(path.dropLast(".wh..wh..opq".count))
                for key in model.keys where key.hasPrefix(directory) { model[key] = nil }
            } else if let range = path.range(of: ".wh.") {
                let target = path[..<range.lowerBound] + path[range.upperBound...]
                for key in model.keys where key == target || key.hasPrefix(target + "/") { model[key] = nil }
            }
        }
        for entry in entries where !entry.contains(".wh.") {
            let path = String(entry.dropFirst(2))
            let parts = path.split(separator: "/")
            for length in 1..<max(parts.count, 1) {
                let ancestor = parts[..<length].joined(separator: "/")
                if model[ancestor] != .some(nil) { model.updateValue(nil, forKey: ancestor) }
            }
            if entry.hasPrefix("d ") {
                model.updateValue(nil, forKey: path)
            } else {
                for key in model.keys where key.hasPrefix(path + "/") { model[key] = nil }
                model.updateValue(0o644, forKey: path)
            }
        }
    }
}

extension String {
    fileprivate func range(of needle: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle) { return start..<index(start, offsetBy: needle.count) }
            start = index(after: start)
        }
        return nil
    }
}
