import Testing

@testable import ImgTree

@Suite struct PathTests {
    @Test func contentFollowsItsDirectory() {
        let sorted = ["a", "a/b", "a/b/c", "a/b-", "a-b", "a.", "b"].map(bytes)
        #expect(sorted.shuffled().sorted(by: PathOrder.precedes) == sorted)
    }

    @Test(arguments: [
        ("/a/b/", "a/b"), ("./a", "a"), (".", ""), ("/", ""), ("", ""), ("a//b", "a/b"), ("a/../../b", "b"),
        ("..", ""), ("a/.../b", "a/.../b"), ("..a/b..", "..a/b.."), ("a/./b", "a/b"), ("a/..", ""),
    ])
    func relativePathsAreClean(_ given: String, _ wanted: String) {
        #expect(TreePath.relative(bytes(given)) == bytes(wanted))
    }

    @Test func narrowingFindsExactlyOneGroup() {
        var table = PathTable()
        let paths = ["", "a", "a/b", "a/b/c", "a-", "b", "b/x"]
        for path in paths { _ = table.append(bytes(path)) }
        let all = 0..<table.count
        let first = table.narrow(to: bytes("a")[...], at: 0, in: all)
        #expect(first == 1..<4)
        #expect(table.narrow(to: bytes("b")[...], at: 2, in: first) == 2..<4)
        #expect(table.narrow(to: bytes("a-")[...], at: 0, in: all) == 4..<5)
        #expect(table.narrow(to: bytes("b")[...], at: 0, in: all) == 5..<7)
        #expect(table.narrow(to: bytes("aa")[...], at: 0, in: all).isEmpty)
        #expect(table.groupEnd(from: 1, at: 0, in: all) == 4)
        #expect(table.groupEnd(from: 5, at: 0, in: all) == 7)
    }
}
