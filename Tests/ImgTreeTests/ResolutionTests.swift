import ImgStream
import Testing

@testable import ImgTree

@Suite struct ResolutionTests {
    private func base() throws -> FileTree {
        tree(
            try layer(
                "d usr",
                "d usr/bin",
                "l bin -> usr/bin",
                "l sbin -> /bin",
                "l up -> ../../usr/../usr/bin",
                "l dangling -> no/where",
                "l loop -> pool",
                "l pool -> loop",
                "f usr/bin/sh",
                "l usr/bin/bash -> sh",
                "l self -> ."
            )
        )
    }

    @Test(arguments: [
        ("/bin/sh", "usr/bin/sh", Resolution.Outcome.found),
        ("sbin/bash", "usr/bin/sh", .found),
        ("up/sh", "usr/bin/sh", .found),
        ("bin/new/deep", "usr/bin/new/deep", .missing),
        ("dangling", "no/where", .missing),
        ("dangling/x", "no/where/x", .missing),
        ("self/self/bin", "usr/bin", .found),
        ("", "", .found),
        ("/", "", .found),
    ])
    func follows(_ path: String, _ wanted: String, _ outcome: Resolution.Outcome) async throws {
        let resolution = try await base().resolve(bytes(path))
        #expect(resolution.path == bytes(wanted))
        #expect(resolution.outcome == outcome)
        #expect((resolution.entry != nil) == (outcome == .found))
    }

    @Test func theLastComponentOnRequest() async throws {
        let resolution = try await base().resolve(bytes("bin/bash"), followLast: false)
        #expect(resolution.path == bytes("usr/bin/bash"))
        #expect(resolution.entry?.kind == .symlink)
    }

    @Test func loopsAndFilesInTheWay() async throws {
        #expect(try await base().resolve(bytes("loop")).outcome == .tooManyLinks)
        #expect(try await base().resolve(bytes("bin/sh/x")).outcome == .notDirectory(bytes("usr/bin/sh")))
    }

    /// No file system has such paths, and to follow them takes the square of their length.
    @Test func longTargetsAreRefused() async throws {
        let steps = Array(repeating: "a", count: 3000).joined(separator: "/")
        let tree = tree(try layer("l long -> \(steps)", "l half -> \(steps.prefix(4000))"))
        #expect(try await tree.resolve(bytes("long/x")).outcome == .tooLong)
        #expect(try await tree.resolve(bytes("half/x")).outcome == .missing)
        #expect(try await tree.resolve(bytes("half/" + steps.prefix(200))).outcome == .tooLong)
        #expect(try await tree.resolve(bytes(steps)).outcome == .tooLong)
    }

    @Test(arguments: [(255, Resolution.Outcome.found), (256, .tooManyLinks)])
    func linkLimit(_ count: Int, _ outcome: Resolution.Outcome) async throws {
        let links = (0..<count).map { header("l l\($0) -> \($0 + 1 == count ? "end" : "l\($0 + 1)")") }
        let tree = tree(try layer(links + [header("f end")]))
        #expect(try await tree.resolve(bytes("l0")).outcome == outcome)
    }
}

@Suite struct AccountsTests {
    private let passwd = bytes(
        "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1001::/:\r\n\nbad:x:no:1\nbob:x:5:5::/:\nlast:x:7:8"
    )

    @Test func theFirstMatchWins() {
        #expect(Accounts.user(named: "bob", inPasswd: passwd) == UserAccount(name: "bob", uid: 1000, gid: 1001))
        #expect(Accounts.user(named: "last", inPasswd: passwd)?.gid == 8)
        #expect(Accounts.user(named: "bad", inPasswd: passwd) == nil)
        #expect(Accounts.user(named: "nobody", inPasswd: passwd) == nil)
        #expect(Accounts.group(named: "staff", inGroup: bytes("a:x:1:\nstaff:x:50:u1,u2\n")) == 50)
        #expect(Accounts.group(named: "b", inGroup: bytes("a:x:1:\n")) == nil)
    }
}
