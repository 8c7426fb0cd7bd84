import ImgTestKit
import Testing

/// Standard streams that do not block, and terminals.
@Suite struct StandardStreamTests {
    private static func python(_ script: String, _ arguments: [String], _ scratch: Scratch) async throws -> String {
        try await Program.output(
            "python3",
            ["-c", script, Project.imgbuild] + arguments,
            in: scratch.path,
            environment: [
                "IMGBUILD_CACHE_DIR": scratch["cache"], "DOCKER_CONFIG": scratch["docker"], "HOME": scratch.path,
            ]
        )
    }

    /// As programs do that read many pipes at once; the mode is shared with the program that writes.
    @Test(arguments: [["build", "--help"], ["--output", "type=oci,dest=-", "ctx"]])
    func aSlowReaderGetsEverything(_ arguments: [String]) async throws {
        try await Scratch.with { scratch in
            try scratch.write("ctx/Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
            let script = """
                import fcntl, os, subprocess, sys, time
                reader, writer = os.pipe()
                fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
                os.set_blocking(writer, False)
                program = subprocess.Popen(sys.argv[1:], stdout=writer)
                os.close(writer)
                time.sleep(0.3)
                count = 0
                while part := os.read(reader, 4096): count += len(part)
                whole = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE).stdout
                print(program.wait(), count == len(whole))
                """
            #expect(try await Self.python(script, arguments, scratch) == "0 True\n")
        }
    }

    @Test func aSlowWriterIsWaitedFor() async throws {
        try await Scratch.with { scratch in
            let script = """
                import os, subprocess, sys, time
                reader, writer = os.pipe()
                os.set_blocking(reader, False)
                program = subprocess.Popen(sys.argv[1:], stdin=reader)
                os.close(reader)
                for text in [b"FROM scratch\\n", b"LABEL a=b\\n"]:
                    time.sleep(0.3)
                    os.write(writer, text)
                os.close(writer)
                print(program.wait())
                """
            let text = try await Self.python(script, ["--output", "type=cacheonly", "-"], scratch)
            #expect(text == "0\n")
        }
    }

    /// Whoever types next wants to see it.
    @Test(arguments: ["TERM", "INT"]) func anInterruptedPromptLeavesTheEchoOn(_ signal: String) async throws {
        try await Scratch.with { scratch in
            let script = """
                import os, pty, signal, subprocess, sys, termios, time
                master, slave = pty.openpty()
                def echoes(): return bool(termios.tcgetattr(slave)[3] & termios.ECHO)
                program = subprocess.Popen(sys.argv[2:], stdin=slave, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
                for _ in range(500):
                    if not echoes(): break
                    time.sleep(0.01)
                print(echoes())
                start = time.monotonic()
                program.send_signal(getattr(signal, "SIG" + sys.argv[1]))
                status = program.wait()
                print(status, echoes(), time.monotonic() - start < 2)
                """
            let text = try await Program.output(
                "python3",
                ["-c", script, signal, Project.imgbuild, "login", "-u", "me", "localhost:1"],
                environment: ["HOME": scratch.path, "DOCKER_CONFIG": scratch["docker"]]
            )
            #expect(text == "False\n\(signal == "TERM" ? 143 : 130) True True\n")
        }
    }
}
