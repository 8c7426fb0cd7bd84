import Glibc
import ImgStream
import ImgTestKit
import Testing

/// A file that is read while it is written.
@Suite(.timeLimit(.minutes(1))) struct GrowingFileTests {
    @Test func showsWhatIsThere() async throws {
        try await Scratch.with { scratch in
            let path = try scratch.write("file", "0123456789")
            let descriptor = unsafe open(path, O_RDONLY)
            let file = GrowingFile()
            #expect(try file.read(from: 0, count: 4).isEmpty)
            file.show(descriptor)
            close(descriptor)
            // The reader's descriptor is its own, and outlives the name as well.
            unsafe unlink(path)
            #expect(try file.read(from: 2, count: 4) == Array("2345".utf8))
            #expect(try file.read(from: 8, count: 4) == Array("89".utf8))
            #expect(try file.read(from: 10, count: 4).isEmpty)
        }
    }

    @Test func tellsTheNewestSizeAndTheEnd() async {
        let file = GrowingFile()
        let sizes = file.sizes()
        file.grow(to: 10)
        file.grow(to: 30)
        file.end()
        file.grow(to: 40)
        file.end()
        #expect(file.isEnded)
        #expect(await sizes.reduce(into: []) { $0.append($1) } == [30])
        // Who comes late sees the end.
        #expect(await file.sizes().reduce(into: []) { $0.append($1) } == [])
    }

    /// What grew before somebody followed is no news to come.
    @Test func whoComesLateSeesThePresentSize() async {
        let file = GrowingFile()
        file.grow(to: 10)
        var sizes = file.sizes().makeAsyncIterator()
        #expect(await sizes.next() == 10)
        file.grow(to: 20)
        #expect(await sizes.next() == 20)
        file.end()
        #expect(await sizes.next() == nil)
    }

    @Test func severalFollow() async {
        let file = GrowingFile()
        let followers = [file.sizes(), file.sizes()]
        file.grow(to: 7)
        file.end()
        for sizes in followers { #expect(await sizes.reduce(into: []) { $0.append($1) } == [7]) }
    }

    @Test func endsWithoutADescriptor() {
        let file = GrowingFile()
        file.show(-1)
        #expect(file.isEnded)
    }
}
