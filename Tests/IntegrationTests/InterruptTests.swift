import Glibc
import ImgTestKit
import Synchronization
import Testing

/// Something that a test waits for in vain.
struct TestFailure: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// A push that is ended from outside: nothing half-done is visible, and the next run goes on where it was.
@Suite struct InterruptTests {
    /// A registry that stops to take an upload when it has got a part of it.
    private final class StallingRegistry: Sendable {
        /// Bytes of the large layer that are taken.
        static let limit = 2 << 20

        let server: ScriptedServer
        let upstream: Upstream
        let isStalling = Flag()
        let hasStalled = Flag()
        /// Blobs that are complete.
        let stored = Counter()

        init(before registry: TestRegistry, stalls: Bool) throws {
            isStalling.set(stalls)
            let upstream = Upstream(registry.host)
            self.upstream = upstream
            let (isStalling, hasStalled, stored) = (isStalling, hasStalled, stored)
            server = try ScriptedServer { exchange in
                let response = try upstream.forward(exchange) { passed in
                    guard isStalling.value, passed >= Self.limit else { return }
                    hasStalled.set(true)
                    _ = exchange.waitForClose(seconds: 30)
                    throw TestFailure("the client has gone")
                }
                if exchange.method == "PUT", exchange.path.contains("/blobs/"), response.status == 201 { stored.add(1) }
                return response
            }
        }

        func count(_ method: String, _ part: String) -> Int {
            server.requests.count { $0.method == method && $0.target.contains(part) }
        }
    }

    /// A program that runs beside the test.
    private struct Run: Sendable {
        let lab: Lab
        let arguments: [String]

        func result() async throws -> ProgramResult {
            // The number is another process's as soon as this one has ended.
            defer { unsafe unlink(lab.scratch["pid"]) }
            return try await Program.run(
                "sh",
                ["-c", "echo $$ >pid.new; mv pid.new pid; exec \"$@\"", "sh", Project.imgbuild] + arguments,
                in: lab.scratch.path,
                environment: [
                    "IMGBUILD_CACHE_DIR": lab.scratch["cache"], "HOME": lab.scratch.path, "TMPDIR": lab.scratch["tmp"],
                ]
            )
        }

        func send(_ signal: Int32) throws {
            let text = try lab.scratch.read("pid").split(separator: "\n").first
            let process = try #require(text.flatMap { pid_t($0) })
            // It may have ended by itself.
            #expect(kill(process, signal) == 0 || errno == ESRCH)
        }
    }

    /// A context with a small and a large layer that doesn't compress.
    private static func context(_ lab: Lab, megabytes: Int) async throws {
        try lab.scratch.write("context/small", "small\n")
        try lab.scratch.write("context/Dockerfile", "FROM scratch\nCOPY small /\nCOPY large /\n")
        try lab.scratch.write("tmp/keep", "")
        try await Program.output(
            "sh",
            ["-c", "head -c \(megabytes << 20) /dev/urandom >context/large"],
            in: lab.scratch.path
        )
    }

    private static func waits(for seconds: Int, until isTrue: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while try await !isTrue() {
            guard ContinuousClock.now < end else { throw TestFailure("it did not happen") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Temporary files below the cache, the temporary directory and a layout.
    private static func leftovers(_ lab: Lab) async throws -> String {
        try await Program.output(
            "sh",
            [
                "-c",
                "find tmp cache layout \\( -path '*/drafts/*' -o -name '*.draft' -o -path 'tmp/*' \\) "
                    + "-not -name keep 2>/dev/null; true",
            ],
            in: lab.scratch.path
        )
    }

    /// Files that are not what their name says.
    private static func damaged(_ lab: Lab) async throws -> String {
        try await Program.output(
            "sh",
            [
                "-c",
                "find cache layout -type f -path '*/blobs/sha256/*' -not -name '*.draft' 2>/dev/null | while read f; "
                    + "do [ \"$(sha256sum \"$f\" | cut -c1-64)\" = \"${f##*/}\" ] || echo \"$f\"; done",
            ],
            in: lab.scratch.path
        )
    }

    /// With the large layer made and being sent, or sent while it is made.
    @Test(arguments: [SIGINT, SIGTERM, SIGKILL], [8, 48])
    func aPushThatIsEndedIsTakenUpAgain(by signal: Int32, megabytes: Int) async throws {
        try await Lab.with { lab in
            try await Self.context(lab, megabytes: megabytes)
            let registry = try StallingRegistry(before: lab.registry, stalls: true)
            defer { registry.server.stop() }
            // Before a large layer is made, an upload is opened and cancelled to see whether that is allowed.
            let asked = megabytes > 16 ? 1 : 0
            let name = "\(registry.server.authority)/ended/app:1"
            let run = Run(lab: lab, arguments: ["--platform", "linux/amd64", "-t", name, "--push", "context"])
            async let first = run.result()
            try await Self.waits(for: 20) { registry.hasStalled.value && registry.stored.value == 1 }
            let start = ContinuousClock.now
            try run.send(signal)
            let ended = try await first
            #expect(ContinuousClock.now - start < .seconds(3))
            #expect(ended.status == 128 + signal, "\(ended)")
            if signal != SIGKILL {
                let word = signal == SIGINT ? "interrupted" : "terminated"
                #expect(ended.errors.contains("error: \(word)"), "\(ended)")
                #expect(try await Self.leftovers(lab) == "")
                // The upload is given back (PUSH-19).
                #expect(registry.count("DELETE", "/blobs/uploads/") == 1 + asked)
            }
            #expect(try await Self.damaged(lab) == "")
            #expect(try await !lab.exists("ended/app:1"))
            #expect(registry.count("PUT", "/manifests/") == 0)

            registry.isStalling.set(false)
            let (posts, bytes) = (registry.count("POST", "/blobs/uploads/"), registry.upstream.sent.value)
            let second = try await run.result()
            #expect(second.status == 0, "\(second)")
            // The large layer and the configuration; the small layer is there.
            #expect(registry.count("POST", "/blobs/uploads/") - posts == 2 + asked)
            #expect(registry.upstream.sent.value - bytes < (megabytes + 1) << 20)
            #expect(try await lab.exists("ended/app:1"))
        }
    }

    /// The tag keeps pointing to the old image, whole, while a new one is half there.
    @Test func theOldImageStaysWhole() async throws {
        try await Lab.with { lab in
            try await Self.context(lab, megabytes: 1)
            try await lab.build([
                "--platform", "linux/amd64,linux/arm64", "-t", lab.reference("ended/app:1"), "--push", "context",
            ])
            let old = try await lab.skopeo([
                "inspect", "--raw", "--tls-verify=false", "docker://\(lab.reference("ended/app:1"))",
            ])
            try await Self.context(lab, megabytes: 8)
            let registry = try StallingRegistry(before: lab.registry, stalls: true)
            defer { registry.server.stop() }
            let run = Run(
                lab: lab,
                arguments: [
                    "--platform", "linux/amd64,linux/arm64", "-t", "\(registry.server.authority)/ended/app:1", "--push",
                    "context",
                ]
            )
            async let first = run.result()
            try await Self.waits(for: 20) { registry.hasStalled.value }
            try run.send(SIGTERM)
            #expect(try await first.status == 143)
            #expect(
                try await lab.skopeo([
                    "inspect", "--raw", "--tls-verify=false", "docker://\(lab.reference("ended/app:1"))",
                ]) == old
            )
        }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func aBuildThatIsEndedWhileALayerIsMadeLeavesNothing(by signal: Int32) async throws {
        try await Lab.with { lab in
            try await Self.context(lab, megabytes: 256)
            let run = Run(
                lab: lab,
                arguments: ["--platform", "linux/amd64", "--output", "type=oci,dest=layout,tar=false", "context"]
            )
            async let first = run.result()
            try await Self.waits(for: 20) {
                let draft = try await Program.output(
                    "sh",
                    ["-c", "find cache/drafts -type f -size +1000k 2>/dev/null; true"],
                    in: lab.scratch.path
                )
                return !draft.isEmpty
            }
            let start = ContinuousClock.now
            try run.send(signal)
            let ended = try await first
            #expect(ContinuousClock.now - start < .seconds(3))
            #expect(ended.status == 128 + signal, "\(ended)")
            #expect(try await Self.leftovers(lab) == "")
            #expect(try await Self.damaged(lab) == "")
        }
    }

    @Test func aBuildThatIsEndedWhileABaseIsReadLeavesNothing() async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let isStalled = Flag()
            let upstream = Upstream(lab.registry.host)
            let server = try ScriptedServer { exchange in
                let response = try upstream.forward(exchange)
                guard exchange.method == "GET", response.body.count > 100_000 else { return response }
                try exchange.write("HTTP/1.1 200 OK\r\nContent-Length: \(response.body.count)\r\n\r\n")
                try exchange.write(Array(response.body[..<100_000]))
                isStalled.set(true)
                _ = exchange.waitForClose(seconds: 30)
                exchange.close()
                return nil
            }
            defer { server.stop() }
            try lab.scratch.write("context/small", "small\n")
            try lab.scratch.write("context/Dockerfile", "FROM \(server.authority)/base/busybox:1\nCOPY small /bin/\n")
            try lab.scratch.write("tmp/keep", "")
            let run = Run(lab: lab, arguments: ["--platform", "linux/amd64", "--output", "type=cacheonly", "context"])
            async let first = run.result()
            try await Self.waits(for: 20) { isStalled.value }
            let start = ContinuousClock.now
            try run.send(SIGINT)
            let ended = try await first
            #expect(ContinuousClock.now - start < .seconds(3))
            #expect(ended.status == 130, "\(ended)")
            #expect(ended.errors.contains("error: interrupted"), "\(ended)")
            #expect(try await Self.leftovers(lab) == "")
        }
    }

    /// A read that nothing wakes is not waited for, and what has been unpacked by then goes.
    @Test(arguments: [true, false])
    func aBuildThatIsEndedWhileItWaitsForItsContextEndsAtOnce(hasBegun: Bool) async throws {
        try await Scratch.with { scratch in
            try scratch.write("in/file", "x")
            try await Program.output("tar", ["--create", "--file", "head", "in"], in: scratch.path)
            scratch.makeParents(of: "tmp/x")
            let start = ContinuousClock.now
            let result = try await Program.run(
                "sh",
                [
                    "-c",
                    "mkfifo pipe; { \(hasBegun ? "head -c 1024 head; " : "")exec sleep 20; } >pipe & "
                        + "\"$1\" --output type=cacheonly - <pipe & sleep 1; kill -TERM $!; wait $!; echo $?; kill %1",
                    "sh", Project.imgbuild,
                ],
                in: scratch.path,
                environment: [
                    "IMGBUILD_CACHE_DIR": scratch["cache"], "HOME": scratch.path, "TMPDIR": scratch["tmp"],
                ]
            )
            #expect(result.output == "143\n", "\(result)")
            #expect(result.errors.contains("error: terminated"), "\(result)")
            #expect(ContinuousClock.now - start < .seconds(3))
            #expect(scratch.names(in: "tmp").isEmpty)
        }
    }

    /// Whenever the process dies, cache and layout hold no damaged blob, and the next run succeeds.
    @Test func aBuildThatIsKilledLeavesNothingDamaged() async throws {
        try await Lab.with { lab in
            try await Self.context(lab, megabytes: 16)
            let run = Run(
                lab: lab,
                arguments: ["--platform", "linux/amd64", "--output", "type=oci,dest=layout,tar=false", "context"]
            )
            var killed = 0
            for delay in stride(from: 30, to: 500, by: 90) {
                async let result = run.result()
                try await Self.waits(for: 5) { lab.scratch.names().contains("pid") }
                try await Task.sleep(for: .milliseconds(delay))
                try? run.send(SIGKILL)
                if try await result.status == 128 + SIGKILL { killed += 1 }
                #expect(try await Self.damaged(lab) == "", "killed after \(delay) ms")
            }
            #expect(killed > 0, "every build was done before it could be killed")
            let last = try await run.result()
            #expect(last.status == 0, "\(last)")
            #expect(try await Self.damaged(lab) == "")
            try await Program.output(
                "skopeo",
                ["copy", "--quiet", "oci:\(lab.scratch["layout"])", "dir:\(lab.scratch["out"])"]
            )
        }
    }
}
