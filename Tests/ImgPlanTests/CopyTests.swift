import ImgPlan
import ImgReport
import Testing

@Suite("COPY and ADD")
struct CopyTests {
    private func copy(_ body: String, base: String = "scratch") throws -> CopyStep {
        let copies = try Planning("FROM \(base)\n\(body)\n").target().copies
        return try #require(copies.last)
    }

    @Test(
        arguments: [
            ("/x/", "/x/"), ("/x/../y/.", "/x/../y/."), ("x", "/w/d/x"), ("./", "/w/d/./"), (".", "/w/d/."),
            ("\"\"", "/w/d"),
        ]
    )
    func destination(_ written: String, _ absolute: String) throws {
        #expect(try copy("WORKDIR /w/./d/\nCOPY a \(written)").destination == absolute)
    }

    @Test func destinationWithoutWorkdir() throws {
        #expect(try copy("COPY a b/").destination == "/b/")
        #expect(try copy("COPY a b", base: "full").destination == "/work/b")
    }

    @Test func sources() throws {
        let add = try copy("ARG V=1\nADD a$V http://h/f https://h/r.git#v1:sub git@h:r /d/")
        var reference = GitReference(remote: "https://h/r.git")
        reference.ref = "v1"
        reference.subdir = "sub"
        #expect(
            add.sources == [
                .path("a1"), .url("http://h/f"), .git(reference), .git(GitReference(remote: "git@h:r")),
            ]
        )
        #expect(try copy("ADD HTTP://h/f github.com/x/y ./x.git /d/").sources.count == 3)
        #expect(try copy("ADD HTTP://h/f github.com/x/y ./x.git /d/").sources[1] == .path("github.com/x/y"))
    }

    @Test func flags() throws {
        let add = try copy("ADD --unpack=false --exclude=a --exclude=!b --link --chown=1:2 a /d")
        #expect(add.verb == .add)
        #expect(add.unpack == false)
        #expect(add.excludes == ["a", "!b"])
        #expect(add.link)
        #expect(add.owner == ChownSpec(user: .id(1), group: .id(2)))
        // `--link` is ignored with `--chmod` (CP-42).
        let mode = try copy("COPY --link --chmod=644 --parents a /d")
        #expect(!mode.link)
        #expect(mode.chmod == .octal(0o644))
        #expect(mode.parents)
    }

    @Test func heredocs() throws {
        let text = "ENV X=val\nCOPY <<A <<\"B\" /d/\n$X \\$X '$X'\nA\n$X\nB"
        #expect(
            try copy(text).heredocs.map { "\($0.name): \(String(decoding: $0.bytes, as: UTF8.self))" } == [
                "A: val $X 'val'\n", "B: $X\n",
            ]
        )
        let twice = try copy("COPY <<A <<A /d/\n1\nA\n2\nA")
        #expect(twice.heredocs.map(\.bytes) == [Array("2\n".utf8), Array("2\n".utf8)])
    }

    @Test func workdirKnowsItsUser() throws {
        let steps = try Planning("FROM scratch\nUSER 7:8\nWORKDIR /x/../y/").target().steps
        #expect(steps[1].action == .workdir(WorkdirStep(path: "/y", user: "7:8")))
    }
}

@Suite("Owners and modes")
struct OwnerAndModeTests {
    @Test(
        arguments: [
            ("root", .id(0), nil), ("123", .id(123), nil), ("bob:", .name("bob"), .id(0)),
            (":staff", nil, .name("staff")),
            ("1000:nope", .id(1000), .name("nope")), ("a:b:c", .name("a"), .name("b:c")),
            ("2147483648", .name("2147483648"), nil), ("2147483647:root", .id(2_147_483_647), .id(0)), ("", nil, nil),
            ("-1", .id(0), nil), ("-2", .id(4_294_967_294), nil),
        ] as [(String, ChownSpec.Account?, ChownSpec.Account?)]
    )
    func owner(_ text: String, _ user: ChownSpec.Account?, _ group: ChownSpec.Account?) {
        let spec = ChownSpec(parsing: text)
        #expect(spec.user == user)
        #expect(spec.group == group)
    }

    @Test(
        arguments: [
            ("0", 0o644, false, 0), ("4755", 0o644, false, 0o4755), ("7777", 0o644, true, 0o7777),
            ("u=rwX,go=rX", 0o600, true, 0o755), ("u=rwX,go=rX", 0o700, false, 0o755),
            ("u=rwX,go=rX", 0o666, false, 0o644),
            ("+x", 0o600, false, 0o711), ("go-rwx,u+s", 0o755, false, 0o4700), ("a=r", 0o777, false, 0o444),
            ("o=g", 0o750, false, 0o755), ("g+w,o-x", 0o755, false, 0o774), ("u+r-w", 0o200, false, 0o400),
            ("g=u", 0o700, false, 0o770), ("+t", 0o755, true, 0o1755), ("g+s", 0o755, true, 0o2755),
            ("u=", 0o755, false, 0o055),
            ("o+s", 0o755, false, 0o755), ("ug=rw,+X", 0o611, false, 0o771),
            // A copy of another class leaves set-id bits; letters, or none at all, don't.
            ("g=u", 0o6710, false, 0o6770), ("g=u", 0o2701, true, 0o2771), ("u=g", 0o4751, false, 0o4551),
            ("go=u", 0o6740, false, 0o6777), ("=u", 0o7740, false, 0o7777), ("g=", 0o2770, false, 0o700),
            ("g=r", 0o2770, false, 0o740), ("g=u-w", 0o2700, false, 0o2750), ("g-u", 0o2770, false, 0o2700),
            ("g+u", 0o2610, false, 0o2670),
            // Each copy replaces the one before and the letters before it, letters a copy.
            ("u=go", 0o754, false, 0o454), ("u=rg", 0o4750, false, 0o550), ("u=gr", 0o4750, false, 0o450),
        ] as [(String, UInt16, Bool, UInt16)]
    )
    func mode(_ text: String, _ before: UInt16, _ isDirectory: Bool, _ after: UInt16) throws {
        #expect(try ChmodSpec(parsing: text).apply(to: before, isDirectory: isDirectory) == after)
    }

    @Test(arguments: ["999", "8", "0o755", "755 ", "10000", "77777777777"])
    func numbersOutOfRange(_ text: String) {
        let error = #expect(throws: BuildError.self) { try ChmodSpec(parsing: text) }
        #expect(
            error?.diagnostics[0].message
                == "invalid chmod parameter: '\(text)'. it should be octal string and between 0 and 07777"
        )
    }

    @Test(arguments: ["", "u", "x", "u+q", "u+x,", "u=rwx go=r"])
    func malformedClauses(_ text: String) {
        #expect(throws: BuildError.self) { try ChmodSpec(parsing: text) }
    }
}

@Suite("Git references")
struct GitReferenceTests {
    @Test(
        arguments: [
            ("git://h/r", "git://h/r", nil, nil), ("ssh://u@h/r#main", "ssh://u@h/r", "main", nil),
            ("https://h/r.git#:sub", "https://h/r.git", nil, "sub"),
            ("https://h/r.git?tag=v1&subdir=a%20b", "https://h/r.git", "refs/tags/v1", "a b"),
            ("https://h/r.git?branch=b", "https://h/r.git", "refs/heads/b", nil),
            ("https://h/r.git?ref=abc#abc", "https://h/r.git", "abc", nil), ("u@h.x:p/r#v", "u@h.x:p/r", "v", nil),
            ("https://h/r%2Egit", "https://h/r%2Egit", nil, nil),
        ] as [(String, String, String?, String?)]
    )
    func recognised(_ text: String, _ remote: String, _ ref: String?, _ subdir: String?) throws {
        let reference = try #require(try GitReference(recognising: text))
        #expect(reference.remote == remote)
        #expect(reference.ref == ref)
        #expect(reference.subdir == subdir)
    }

    @Test(arguments: [
        "./r.git", "../r.git", "github.com/x/y", "http://h/r.tar", "https://h/x?y.git", "a/b@c:d", "r.git",
        "https://host.git", "http://host.git#main", "https://host.git?ref=a",
    ])
    func notRecognised(_ text: String) throws {
        #expect(try GitReference(recognising: text) == nil)
    }

    @Test func query() throws {
        let text = "https://h/r.git?submodules=0&keep-git-dir&commit=abcd&mtime=commit&fetch-by-commit=1"
        let reference = try #require(try GitReference(recognising: text))
        #expect(!reference.submodules)
        #expect(reference.keepGitDir == true)
        #expect(reference.checksum == "abcd")
    }

    @Test(
        arguments: [
            "ref=a&ref=b": "query \"ref\" has multiple values", "what=1": "unexpected query \"what\"",
            "ref=a#b": "ref conflicts: \"b\" vs \"a\"", "subdir=a#:b": "subdir conflicts: \"b\" vs \"a\"",
        ]
    )
    func contradictions(_ query: String, _ message: String) {
        let error = #expect(throws: BuildError.self) { try GitReference(recognising: "https://h/r.git?\(query)") }
        #expect(error?.description == message)
    }
}
