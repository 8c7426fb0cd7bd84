import ImgTestKit
import Testing

/// What the start check predicts is what happens: every image here is started by a real runtime.
@Suite struct StartCheckTests {
    struct Case: Sendable, CustomTestStringConvertible {
        /// Nil for images that start.
        var rule: String?
        var dockerfile: String
        var script: String = "true"
        /// Done to the layout after the build.
        var edit: [String] = []
        var testDescription: String {
            "\(rule ?? "starts"): \(dockerfile.split(separator: "\n").joined(separator: "; "))"
        }
    }

    /// A program that needs no file, for a processor that has no emulator here.
    static let foreign =
        "echo 'void _start(void) { __builtin_trap(); }' >t.c; clang --target=riscv64-linux-gnu -nostdlib -static -fuse-ld=lld -o foreign t.c 2>/dev/null"

    static let static64 = "echo 'int main(void) { return 0; }' >t.c; gcc -static -o app t.c"

    /// What Go makes: a program that needs nothing but the kernel.
    static let static64bitARM = """
        cat >t.c <<'END'
        void _start(void) { __asm__("mov x8, 93\\n mov x0, 0\\n svc 0"); }
        END
        clang --target=aarch64-linux-gnu -nostdlib -static -fuse-ld=lld -o app t.c 2>/dev/null
        """

    /// A program that asks for a C library nobody has yet.
    static let future = """
        echo 'int newer(void) { return 0; }' >libc.c; echo 'GLIBC_2.99 { global: newer; local: *; };' >map
        gcc -shared -nostdlib -Wl,-soname,libc.so.6 -Wl,--version-script=map -o libfuture.so libc.c
        echo 'int newer(void); int main(void) { return newer(); }' >t.c; gcc -Wl,--unresolved-symbols=ignore-all -o app t.c ./libfuture.so
        """

    static let ownLibrary = """
        echo 'int foo(void) { return 0; }' >foo.c; gcc -shared -Wl,-soname,libfoo.so.1 -o libfoo.so.1 foo.c
        echo 'int foo(void); int main(void) { return foo(); }' >t.c; gcc -o app t.c ./libfoo.so.1
        """

    static let failing: [Case] = [
        Case(rule: "entrypoint-not-found", dockerfile: "FROM busybox\nENTRYPOINT [\"/app\"]\n"),
        Case(rule: "entrypoint-not-found", dockerfile: "FROM busybox\nCMD [\"no-such-program\", \"-v\"]\n"),
        Case(rule: "entrypoint-not-found", dockerfile: "FROM busybox\nENV PATH=/opt\nCMD [\"ls\"]\n"),
        Case(
            rule: "entrypoint-not-executable",
            dockerfile: "FROM busybox\nCOPY --chmod=644 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/bin/sh\\n' >run"
        ),
        Case(
            rule: "entrypoint-not-executable",
            dockerfile: "FROM busybox\nCOPY --chmod=700 run /run.sh\nUSER 1000:1000\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/bin/sh\\n' >run"
        ),
        Case(
            rule: "entrypoint-is-directory",
            dockerfile: "FROM busybox\nCOPY run /app/run.sh\nCMD [\"/app\"]\n",
            script: "printf '#!/bin/sh\\n' >run"
        ),
        Case(
            rule: "interpreter-not-found",
            dockerfile: "FROM busybox\nCOPY --from=debian /bin/ls /ls\nCMD [\"/ls\"]\n"
        ),
        Case(
            rule: "library-not-found",
            dockerfile: "FROM debian\nCOPY --from=nginx /usr/sbin/nginx /nginx\nCMD [\"/nginx\", \"-v\"]\n"
        ),
        Case(
            rule: "library-not-found",
            dockerfile: "FROM debian\nCOPY libfoo.so.1 /usr/local/lib/\nCOPY app /app\nCMD [\"/app\"]\n",
            script: ownLibrary
        ),
        Case(
            rule: "library-not-found",
            dockerfile: "FROM debian\nCOPY hello /hello\nCMD [\"/hello\"]\n",
            script: "echo 'print(1)' >main.swift; swiftc -o hello main.swift"
        ),
        Case(rule: "libc-too-old", dockerfile: "FROM debian\nCOPY app /app\nCMD [\"/app\"]\n", script: future),
        Case(
            rule: "shebang-interpreter-not-found",
            dockerfile: "FROM busybox\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/bin/bash\\ntrue\\n' >run"
        ),
        Case(
            rule: "shebang-interpreter-not-found",
            dockerfile: "FROM busybox\nCOPY --chmod=755 run /run.py\nCMD [\"/run.py\"]\n",
            script: "printf '#!/usr/bin/env python3\\n' >run"
        ),
        Case(
            rule: "shebang-interpreter-not-found",
            dockerfile: "FROM debian\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/usr/bin/env bash -e\\n' >run"
        ),
        Case(
            rule: "shebang-crlf",
            dockerfile: "FROM busybox\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/bin/sh\\r\\ntrue\\r\\n' >run"
        ),
        Case(
            rule: "shebang-crlf",
            dockerfile: "FROM debian\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/usr/bin/env bash\\r\\ntrue\\r\\n' >run"
        ),
        Case(
            rule: "exec-format",
            dockerfile: "FROM busybox\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "echo 'echo hello' >run"
        ),
        Case(
            rule: "exec-format",
            dockerfile: "FROM busybox\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: ": >run"
        ),
        Case(rule: "user-not-found", dockerfile: "FROM busybox\nUSER ghost\nCMD [\"true\"]\n"),
        Case(rule: "user-not-found", dockerfile: "FROM busybox\nUSER 0:ghosts\nCMD [\"true\"]\n"),
        Case(
            rule: "workdir-not-directory",
            dockerfile: "FROM busybox\nCMD [\"true\"]\n",
            edit: ["--config.workingdir", "/etc/passwd"]
        ),
        Case(rule: "shell-not-found", dockerfile: "FROM scratch\nCOPY app /app\nCMD /app\n", script: static64),
        Case(
            rule: "wrong-architecture",
            dockerfile: "FROM busybox\nCOPY foreign /app\nCMD [\"/app\"]\n",
            script: foreign
        ),
    ]

    static let sound: [Case] = [
        Case(dockerfile: "FROM busybox\nCMD [\"true\"]\n"),
        Case(dockerfile: "FROM busybox\nCMD exit 0\n"),
        Case(dockerfile: "FROM debian\nCMD [\"/bin/bash\", \"-c\", \"ls / >/dev/null\"]\n"),
        Case(dockerfile: "FROM nginx\nENTRYPOINT [\"nginx\", \"-v\"]\n"),
        Case(dockerfile: "FROM scratch\nCOPY app /app\nUSER 1000:1000\nENTRYPOINT [\"/app\"]\n", script: static64),
        Case(
            dockerfile: "FROM debian\nCOPY --chmod=755 run bin/\nUSER 33\nCMD [\"run\"]\n",
            script: "printf '#!/usr/bin/env bash\\n' >run"
        ),
        Case(
            dockerfile: "FROM busybox\nWORKDIR /srv\nCOPY --chmod=711 run .\nCMD [\"./run\"]\n",
            script: "printf '#! /bin/sh -e\\n' >run"
        ),
        Case(
            dockerfile: "FROM debian\nCOPY hello /hello\nCMD [\"/hello\"]\n",
            script: "echo 'print(1)' >main.swift; swiftc -static-stdlib -o hello main.swift"
        ),
        Case(
            dockerfile:
                "FROM debian\nCOPY libfoo.so.1 /usr/local/lib/\nCOPY app /app\nENV LD_LIBRARY_PATH=/usr/local/lib\nCMD [\"/app\"]\n",
            script: ownLibrary
        ),
        Case(
            dockerfile: "FROM debian\nCOPY libfoo.so.1 /opt/lib/\nCOPY app /opt/bin/app\nCMD [\"/opt/bin/app\"]\n",
            script: ownLibrary + "\ngcc -Wl,-rpath,'$ORIGIN/../lib' -o app t.c ./libfoo.so.1"
        ),
    ]

    @Test(arguments: failing) func failuresArePredicted(_ example: Case) async throws {
        try await StartLab.with { lab in
            try await lab.build(example, "linux/amd64", ["--platform-check=warn"])
            let (status, findings) = try await lab.verdicts()
            #expect(findings == ["linux/amd64": ["error \(example.rule ?? "")"]])
            #expect(status == 1)
            #expect(try await lab.start("linux/amd64").status != 0)
        }
    }

    @Test(arguments: sound) func imagesThatStartAreNotFlagged(_ example: Case) async throws {
        try await StartLab.with { lab in
            try await lab.expectStart(of: example)
        }
    }

    static let foreignCases: [Case] = [
        Case(
            rule: "interpreter-not-found",
            dockerfile: "FROM busybox\nCOPY --from=debian /bin/ls /ls\nCMD [\"/ls\"]\n"
        ),
        Case(
            rule: "library-not-found",
            dockerfile: "FROM debian\nCOPY --from=nginx /usr/sbin/nginx /nginx\nCMD [\"/nginx\", \"-v\"]\n"
        ),
        Case(dockerfile: "FROM debian\nCMD [\"/bin/bash\", \"-c\", \"ls / >/dev/null\"]\n"),
        Case(dockerfile: "FROM nginx\nENTRYPOINT [\"nginx\", \"-v\"]\n"),
        Case(dockerfile: "FROM busybox\nCMD exit 0\n"),
        Case(dockerfile: "FROM scratch\nCOPY app /app\nUSER 7:7\nCMD [\"/app\"]\n", script: static64bitARM),
        Case(
            dockerfile: "FROM debian\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/usr/bin/env bash\n' >run"
        ),
        Case(
            rule: "shebang-interpreter-not-found",
            dockerfile: "FROM busybox\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/bin/bash\n' >run"
        ),
        Case(
            rule: "shebang-crlf",
            dockerfile: "FROM busybox\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/bin/sh\\r\\n' >run"
        ),
        Case(
            rule: "exec-format",
            dockerfile: "FROM busybox\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "echo true >run"
        ),
        Case(
            rule: "entrypoint-not-executable",
            dockerfile: "FROM busybox\nCOPY --chmod=644 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/bin/sh\n' >run"
        ),
        Case(rule: "entrypoint-is-directory", dockerfile: "FROM busybox\nCMD [\"/etc\"]\n"),
        Case(rule: "user-not-found", dockerfile: "FROM busybox\nUSER ghost\nCMD [\"true\"]\n"),
        Case(
            rule: "shell-not-found",
            dockerfile: "FROM scratch\nCOPY app /app\nCMD /app\n",
            script: static64bitARM
        ),
        Case(
            rule: "wrong-architecture",
            dockerfile: "FROM busybox\nCOPY foreign /app\nCMD [\"/app\"]\n",
            script: foreign
        ),
    ]

    @Test(arguments: foreignCases) func otherProcessorsArePredictedAlike(_ example: Case) async throws {
        try await StartLab.with { lab in
            try await lab.build(example, "linux/arm64", ["--platform-check=warn"])
            #expect(try await lab.verdicts().findings == ["linux/arm64": example.rule.map { ["error \($0)"] } ?? []])
            let start = try await lab.start("linux/arm64")
            #expect((start.status == 0) == (example.rule == nil), "\(start)")
        }
    }

    @Test func imageWithoutCommandIsOnlyMentioned() async throws {
        try await StartLab.with { lab in
            let example = Case(dockerfile: "FROM scratch\nCOPY data /data\n", script: "echo 1 >data")
            try await lab.build(example, "linux/amd64")
            let (status, findings) = try await lab.verdicts()
            #expect(findings == ["linux/amd64": ["warning no-command"]])
            #expect(status == 0)
            #expect(try await lab.start("linux/amd64").status != 0)
        }
    }

    @Test(arguments: ["busybox", "debian", "nginx"]) func basesPass(_ name: String) async throws {
        let result = try await Scratch.with { scratch in
            try await Program.run(
                Project.imgbuild,
                ["verify", "--platform", "linux/amd64,linux/arm64", "oci-layout://\(Project.bases)/\(name):1"],
                environment: ["IMGBUILD_CACHE_DIR": scratch["cache"]]
            )
        }
        #expect(result.status == 0, "\(result)")
        #expect(!result.output.contains("fail"), "\(result)")
        #expect(!result.output.contains("warn"), "\(result)")
    }
}

extension StartLab {
    /// An image that starts is built without an error, and nothing is found about it.
    func expectStart(of example: StartCheckTests.Case) async throws {
        try await build(example, "linux/amd64", ["--platform-check=error", "--start-check=error"])
        let (status, findings) = try await verdicts()
        #expect(findings == ["linux/amd64": []])
        #expect(status == 0)
        let start = try await start("linux/amd64")
        #expect(start.status == 0, "\(start)")
    }

    func build(_ example: StartCheckTests.Case, _ platform: String, _ arguments: [String] = []) async throws {
        try await prepare(example.script)
        let result = try await imgbuild(example.dockerfile, platforms: platform, arguments)
        guard result.status == 0 else { throw ProgramFailure(command: ["imgbuild"], result: result) }
        guard !example.edit.isEmpty else { return }
        try await Program.output("umoci", ["config", "--image", "\(scratch["layout"]):1"] + example.edit)
    }
}
