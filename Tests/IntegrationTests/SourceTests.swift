import ImgOCI
import ImgTestKit
import Testing

/// Files that come from elsewhere than the build context: git, archives, single files.
@Suite struct SourceTests {
    /// A scratch directory with `ctx/Dockerfile` in it, and what the last layer of its image holds, as `tar` lists it.
    private static func lastLayer(
        _ scratch: Scratch,
        _ dockerfile: String,
        _ arguments: [String] = [],
        context: String? = nil
    ) async throws -> [String] {
        try scratch.write("ctx/Dockerfile", dockerfile)
        let output = "type=oci,tar=false,compression=uncompressed,dest=\(scratch["layout"])"
        let result = try await run(scratch, arguments + ["--output", output, context ?? scratch["ctx"]])
        guard result.status == 0 else { throw ProgramFailure(command: ["imgbuild"] + arguments, result: result) }
        let index = try ImageIndex(parsing: Array(try scratch.read("layout/index.json").utf8))
        let manifest = try manifest(index.manifests[0].digest, scratch)
        guard let layer = manifest.layers.last else { return [] }
        return try await Program.output("tar", ["--list", "--file", path(layer.digest, scratch)])
            .split(separator: "\n").map(String.init)
    }

    private static func run(_ scratch: Scratch, _ arguments: [String]) async throws -> ProgramResult {
        try await Program.run(
            Project.imgbuild,
            arguments,
            in: scratch.path,
            environment: [
                "IMGBUILD_CACHE_DIR": scratch["cache"], "DOCKER_CONFIG": scratch["docker"], "HOME": scratch.path,
            ]
        )
    }

    private static func manifest(_ digest: Digest, _ scratch: Scratch) throws -> ImageManifest {
        let text = try scratch.read("layout/blobs/sha256/\(digest.hex)")
        return try ImageManifest(parsing: Array(text.utf8), mediaType: .ociManifest)
    }

    private static func path(_ digest: Digest, _ scratch: Scratch) -> String {
        scratch["layout/blobs/sha256/\(digest.hex)"]
    }

    // MARK: - Named contexts of one file

    @Test func aFileIsAContextOfItsOwn() async throws {
        try await Scratch.with { scratch in
            try scratch.write("conf/app.conf", "a=1\n")
            let arguments = ["--build-context", "conf=\(scratch["conf/app.conf"])"]
            #expect(
                try await Self.lastLayer(scratch, "FROM scratch\nCOPY --from=conf app.conf /etc/\n", arguments)
                    == ["etc/", "etc/app.conf"]
            )
        }
    }

    /// Whatever its name, plain or compressed, an archive stands for what is in it.
    @Test(arguments: ["--create", "--gzip", "--xz"])
    func anArchiveIsAContextOfItsContents(_ form: String) async throws {
        try await Scratch.with { scratch in
            try scratch.write("in/d/f", "1\n")
            try await Program.output(
                "tar",
                (form == "--create" ? [] : [form]) + ["--create", "--file", scratch["deps"], "-C", scratch["in"], "."]
            )
            let arguments = ["--build-context", "deps=\(scratch["deps"])"]
            #expect(
                try await Self.lastLayer(scratch, "FROM scratch\nCOPY --from=deps / /x\n", arguments)
                    == ["x/", "x/d/", "x/d/f"]
            )
        }
    }

    // MARK: - Attributes

    /// Row 86: a capability from an archive survives COPY and a new owner, but not a hard link's header behind it; other
    /// attributes are not part of a layer (LAY-6).
    @Test func capabilitiesSurvive() async throws {
        try await Scratch.with { scratch in
            let write = """
                import io, sys, tarfile
                with tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT) as tar:
                    for name in "f", "linked":
                        member = tarfile.TarInfo(name)
                        member.pax_headers = {
                            "SCHILY.xattr.security.capability": "\\x01\\0\\0\\x02\\0\\x04" + "\\0" * 14,
                            "SCHILY.xattr.user.note": "n",
                        }
                        tar.addfile(member, io.BytesIO())
                    member = tarfile.TarInfo("link")
                    member.type, member.linkname = tarfile.LNKTYPE, "linked"
                    tar.addfile(member)
                """
            let read = """
                import glob, sys, tarfile
                for name in glob.glob(sys.argv[1] + "/*"):
                    if not tarfile.is_tarfile(name): continue
                    for member in tarfile.open(name):
                        if member.isreg(): print(member.uid, member.gid, *sorted(member.pax_headers))
                """
            try scratch.write("ctx/.keep", "")
            try await Program.output("python3", ["-c", write, scratch["ctx/t.tar"]])
            let text = "FROM scratch AS a\nADD t.tar /\nFROM scratch\nCOPY --from=a --chown=7:8 /f /linked /g/\n"
            #expect(try await Self.lastLayer(scratch, text) == ["g/", "g/f", "g/linked"])
            let found = try await Program.output("python3", ["-c", read, scratch["layout/blobs/sha256"]])
            #expect(found == "7 8 SCHILY.xattr.security.capability\n7 8\n")
        }
    }

    // MARK: - URLs

    /// Rows 63–65: names and times of what is downloaded.
    @Test func downloads() async throws {
        try await Scratch.with { scratch in
            let server = try ScriptedServer { exchange in
                switch exchange.target {
                case "/redir": ServerResponse(302, headers: [("Location", "/file.txt")])
                case "/", "/file.txt", "/a%20b?q", "/c%20d": ServerResponse(200, text: "x")
                default: ServerResponse(404, text: exchange.target)
                }
            }
            defer { server.stop() }
            let url = "http://127.0.0.1:\(server.port)"
            let text = """
                FROM scratch
                ADD ["\(url)/", "\(url)/redir", "\(url)/a%20b?q#f", "\(url)/c d", "/d/"]

                """
            #expect(try await Self.lastLayer(scratch, text) == ["d/", "d/__unnamed__", "d/a b", "d/c d", "d/redir"])
        }
    }

    /// Six files of half a second each, four at a time.
    @Test func downloadsRunSideBySide() async throws {
        try await Scratch.with { scratch in
            let (running, seen) = (Counter(), Collected<Int>())
            let server = try ScriptedServer { exchange in
                seen.append(running.add(1))
                pause(seconds: 0.5)
                running.add(-1)
                return ServerResponse(200, text: exchange.target)
            }
            defer { server.stop() }
            let steps = (1...6).map { "ADD http://127.0.0.1:\(server.port)/\($0) /d\($0)/\n" }
            let start = ContinuousClock.now
            #expect(try await Self.lastLayer(scratch, "FROM scratch\n" + steps.joined()) == ["d6/", "d6/6"])
            #expect(ContinuousClock.now - start < .seconds(2.5))
            #expect(seen.all.max() == 4)
            #expect(server.requests.count == 6)
        }
    }

    // MARK: - Git

    /// A bare repository with a tag `v1` and a newer commit on `main`.
    private static func repository(_ scratch: Scratch) async throws {
        let script = """
            set -e
            export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
            export GIT_AUTHOR_DATE=2020-02-02T00:00:00Z GIT_COMMITTER_DATE=2021-03-04T05:06:07Z HOME=\(scratch.path)
            git init -q -b main w; cd w
            mkdir -p sub/deep; echo 1 > f; echo 2 > sub/x; echo 3 > sub/deep/y; chmod 755 sub/x
            printf 'FROM scratch\\nCOPY . /\\n' > Dockerfile; echo f > .dockerignore
            git add .; git commit -qm 1; git tag v1; echo 2 > new; git add .; git commit -qm 2
            cd ..; git clone -q --bare w served/r.git; git -C served/r.git update-server-info
            """
        try await Program.output("sh", ["-c", script], in: scratch.path)
    }

    /// Runs `body` with the address of the repository over git's own protocol.
    private static func daemon(_ body: @Sendable @escaping (Scratch, String) async throws -> Void) async throws {
        try await Scratch.with { scratch in
            try await repository(scratch)
            let port = try ServerSocket.freePort()
            let served = scratch["served"]
            // Started by its path: a program that git starts would outlive git.
            let directory = try await Program.output("git", ["--exec-path"]).split(separator: "\n")[0]
            try await Server.with(
                "\(directory)/git-daemon",
                ["--listen=127.0.0.1", "--port=\(port)", "--base-path=\(served)", "--export-all", served],
                port: port
            ) {
                try await body(scratch, "git://127.0.0.1:\(port)/r.git")
            }
        }
    }

    @Test func addOfARepository() async throws {
        try await Self.daemon { scratch, url in
            #expect(
                try await Self.lastLayer(scratch, "FROM scratch\nADD \(url) /g\n") == [
                    "g/", "g/.dockerignore", "g/Dockerfile", "g/f", "g/new", "g/sub/", "g/sub/deep/", "g/sub/deep/y",
                    "g/sub/x",
                ]
            )
            #expect(
                try await Self.lastLayer(scratch, "FROM scratch\nADD \(url)#v1:sub /g\n")
                    == ["g/", "g/deep/", "g/deep/y", "g/x"]
            )
            let kept = try await Self.lastLayer(scratch, "FROM scratch\nADD --keep-git-dir \(url)#v1 /g\n")
            #expect(kept.contains("g/.git/HEAD") && !kept.contains("g/new"))
        }
    }

    /// A subdirectory that isn't one is a mistake, not an empty directory.
    @Test(arguments: [("nosub", "no such file or directory"), ("f", "not a directory")])
    func subdirectoryThatIsNone(_ name: String, _ reason: String) async throws {
        try await Self.daemon { scratch, url in
            try scratch.write("ctx/Dockerfile", "FROM scratch\nADD \(url)#v1:\(name) /g\n")
            let added = try await Self.run(scratch, ["--output", "type=cacheonly", scratch["ctx"]])
            #expect(added.status == 1)
            #expect(added.errors.contains("failed to open subdir \(name): \(reason)"), "\(added)")
            try scratch.write("ctx/Dockerfile", "FROM scratch\nCOPY --from=n / /g\n")
            let context = ["--build-context", "n=\(url)#v1:\(name)"]
            let named = try await Self.run(scratch, context + ["--output", "type=cacheonly", scratch["ctx"]])
            #expect(named.errors.contains("failed to open subdir \(name): \(reason)"), "\(named)")
        }
    }

    /// IGN-12: the ignore file of a repository is a file like any other.
    @Test func repositoryAsContext() async throws {
        try await Self.daemon { scratch, url in
            let plain = try await Self.lastLayer(scratch, "", context: "\(url)#v1")
            #expect(
                plain == [
                    ".dockerignore", "Dockerfile", "f", "sub/", "sub/deep/", "sub/deep/y", "sub/x",
                ]
            )
            let keeping = ["--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1"]
            let kept = try await Self.lastLayer(scratch, "", keeping, context: "\(url)#v1")
            #expect(kept.contains(".git/HEAD"))
            let dropping = "\(url)?keep-git-dir=0#v1"
            let dropped = try await Self.lastLayer(scratch, "", keeping, context: dropping)
            #expect(dropped == plain)
        }
    }

    /// REP-2: the time of a named context, and of the one source of a stage.
    @Test(arguments: ["src", "tree"])
    func timeOfARepository(_ name: String) async throws {
        try await Self.daemon { scratch, url in
            let arguments = ["--build-context", "src=\(url)#v1", "--build-arg", "SOURCE_DATE_EPOCH=\(name)"]
            let text = "FROM scratch AS tree\nADD \(url) /\nFROM scratch\nCOPY Dockerfile /\n"
            _ = try await Self.lastLayer(scratch, text, arguments)
            let index = try ImageIndex(parsing: Array(try scratch.read("layout/index.json").utf8))
            let manifest = try Self.manifest(index.manifests[0].digest, scratch)
            let config = try scratch.read("layout/blobs/sha256/\(manifest.config.digest.hex)")
            #expect(config.contains("\"created\":\"2021-03-04T05:06:07Z\""))
        }
    }

    /// A server of nothing but files can't send a part of the history.
    @Test func repositoryOfAPlainFileServer() async throws {
        try await Scratch.with { scratch in
            try await Self.repository(scratch)
            let port = try ServerSocket.freePort()
            try await Server.with(
                "python3",
                ["-m", "http.server", "--bind", "127.0.0.1", "--directory", scratch["served"], "\(port)"],
                port: port
            ) {
                let url = "http://127.0.0.1:\(port)/r.git"
                let layer = try await Self.lastLayer(scratch, "FROM scratch\nADD \(url)#v1:sub /g\n")
                #expect(layer == ["g/", "g/deep/", "g/deep/y", "g/x"])
            }
        }
    }
}
