import ImgTestKit
import Testing

/// Images that start although a hasty check would say they cannot; a false alarm is worse than a miss.
@Suite struct OddImagesTests {
    typealias Case = StartCheckTests.Case

    /// `app` needs `libfoo.so.1`.
    static let library = StartCheckTests.ownLibrary

    static let commands: [Case] = [
        Case(dockerfile: "FROM busybox\nENV APP=true\nENTRYPOINT exec $APP\n"),
        Case(dockerfile: "FROM busybox\nENV A=1\nENTRYPOINT [\"env\", \"B=2\", \"sh\", \"-c\"]\nCMD [\"exit 0\"]\n"),
        Case(dockerfile: "FROM debian\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nCMD true | true\n"),
        Case(
            dockerfile: "FROM debian\nCOPY --chmod=755 run /opt/bin/\nENV PATH=/opt/bin:$PATH\nCMD [\"run\"]\n",
            script: "printf '#!/bin/sh\\n' >run"
        ),
        Case(
            dockerfile: "FROM busybox\nWORKDIR /srv\nCOPY --chmod=755 run bin/\nCMD [\"bin/../bin/./run\"]\n",
            script: "printf '#!/bin/sh\\n' >run"
        ),
        Case(
            dockerfile: "FROM debian\nCOPY --chmod=755 run /run.sh\nCMD [\"/run.sh\"]\n",
            script: "printf '#!/usr/bin/env -S A=1 bash -e\\n' >run"
        ),
        Case(
            dockerfile: "FROM debian\nWORKDIR /srv\nCOPY --chmod=755 run tool ./\nCMD [\"./run\"]\n",
            script: "printf '#!tool\\n' >run; printf '#!/bin/sh\\n' >tool"
        ),
        // Links of an archive, in both directions.
        Case(
            dockerfile: "FROM busybox\nADD files.tar /opt/\nCMD [\"/opt/b\"]\n",
            script: "printf '#!/bin/sh\\n' >a; chmod 755 a; ln a b; ln -s /opt/a c; tar cf files.tar a b c"
        ),
        Case(
            dockerfile: "FROM busybox\nADD files.tar /opt/\nCOPY --link page /srv/\nCMD [\"/opt/c\"]\n",
            script: """
                printf '#!/bin/sh\\n' >a; chmod 755 a; ln a b; ln -s /opt/b c; tar cf files.tar a b c; echo 1 >page
                """
        ),
        // A directory of the base that is a link.
        Case(
            dockerfile: "FROM debian\nCOPY --chmod=755 run /bin/run\nCMD [\"/usr/bin/run\"]\n",
            script: "printf '#!/bin/bash\\n' >run"
        ),
    ]

    static let users: [Case] = [
        Case(
            dockerfile:
                "FROM scratch\nCOPY --from=debian /etc/passwd /etc/group /etc/\nCOPY app /app\nUSER www-data:www-data\nCMD [\"/app\"]\n",
            script: StartCheckTests.static64
        ),
        Case(
            dockerfile:
                "FROM scratch\nCOPY passwd group /etc/\nCOPY --chown=0:50 --chmod=750 app /app\nUSER web\nCMD [\"/app\"]\n",
            script: StartCheckTests.static64
                + "\necho 'web:x:33:33::/:/bin/sh' >passwd; echo 'tools:x:50:web' >group"
        ),
    ]

    static let programs: [Case] = [
        Case(
            dockerfile: "FROM scratch\nCOPY app /app\nCMD [\"/app\"]\n",
            script: "echo 'int main(void) { return 0; }' >t.c; gcc -static-pie -fPIE -o app t.c"
        ),
        // A loader in a place of its own, as Nix and Guix have it.
        Case(
            dockerfile: "FROM scratch\nCOPY lib /nix/store/abc-libc/lib\nCOPY app /app\nCMD [\"/app\"]\n",
            script: """
                mkdir lib; cp /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6 lib/
                echo 'int main(void) { return 0; }' >t.c
                gcc -Wl,--dynamic-linker=/nix/store/abc-libc/lib/ld-linux-x86-64.so.2 -Wl,-rpath,/nix/store/abc-libc/lib -o app t.c
                """
        ),
        Case(
            dockerfile:
                "FROM debian\nCOPY libfoo.so.1 /usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v2/\nCOPY app /app\nCMD [\"/app\"]\n",
            script: library
        ),
        // Found through the loader's cache alone.
        Case(
            dockerfile:
                "FROM debian\nCOPY libfoo.so.1 /opt/odd/lib/\nCOPY root/etc/ld.so.cache /etc/\nCOPY app /app\nCMD [\"/app\"]\n",
            script: library + """

                mkdir -p root/etc root/opt/odd/lib; cp libfoo.so.1 root/opt/odd/lib/; echo /opt/odd/lib >root/etc/ld.so.conf
                /sbin/ldconfig -r root
                """
        ),
        Case(
            dockerfile:
                "FROM debian\nWORKDIR /srv\nCOPY libfoo.so.1 ./\nCOPY app /app\nENV LD_LIBRARY_PATH=/x:$LD_LIBRARY_PATH\nCMD [\"/app\"]\n",
            script: library
        ),
        Case(
            dockerfile: "FROM debian\nCOPY libfoo.so.1 /opt/lib64/\nCOPY app /opt/bin/\nCMD [\"/opt/bin/app\"]\n",
            script: library + "\ngcc -Wl,-rpath,'/x:${ORIGIN}/../lib64' -o app t.c ./libfoo.so.1"
        ),
        // A library that is found through a link looks for others beside the link.
        Case(
            dockerfile: "FROM debian\nADD files.tar /opt/\nCMD [\"/opt/app\"]\n",
            script: """
                mkdir -p real lib; echo 'int bar(void) { return 0; }' >bar.c; echo 'int bar(void); int foo(void) { return bar(); }' >foo.c
                gcc -shared -Wl,-soname,libbar.so.1 -o lib/libbar.so.1 bar.c
                gcc -shared -Wl,-soname,libfoo.so.1 -Wl,-rpath,'$ORIGIN' -o real/libfoo.so.1 foo.c lib/libbar.so.1
                ln -s ../real/libfoo.so.1 lib/libfoo.so.1
                echo 'int foo(void); int main(void) { return foo(); }' >t.c
                gcc -Wl,-rpath,/opt/lib -Wl,--allow-shlib-undefined -o app t.c lib/libfoo.so.1; tar cf files.tar app lib real
                """
        ),
        // An old-style path of a library reaches its libraries' libraries.
        Case(
            dockerfile: "FROM debian\nCOPY root /opt/\nCMD [\"/opt/app\"]\n",
            script: """
                mkdir -p root/a root/b root/c; cd root; echo 'int three(void) { return 0; }' >3.c; echo 'int three(void); int two(void) { return three(); }' >2.c
                echo 'int two(void); int one(void) { return two(); }' >1.c; echo 'int one(void); int main(void) { return one(); }' >t.c
                gcc -shared -Wl,-soname,lib3.so -o c/lib3.so 3.c; gcc -shared -Wl,-soname,lib2.so -o b/lib2.so 2.c c/lib3.so
                gcc -shared -Wl,-soname,lib1.so -Wl,--disable-new-dtags,-rpath,/opt/b:/opt/c -o a/lib1.so 1.c b/lib2.so
                gcc -Wl,--disable-new-dtags,-rpath,/opt/a -Wl,--allow-shlib-undefined -o app t.c a/lib1.so
                """
        ),
        Case(
            dockerfile: "FROM debian\nWORKDIR /srv\nCOPY libs libs\nCOPY app /app\nCMD [\"/app\"]\n",
            script: """
                mkdir libs; echo 'int foo(void) { return 0; }' >foo.c; gcc -shared -o libs/libfoo.so foo.c
                echo 'int foo(void); int main(void) { return foo(); }' >t.c; gcc -o app t.c ./libs/libfoo.so
                """
        ),
        // The second library asks for the first by the name in it, which no file has.
        Case(
            dockerfile: "FROM debian\nCOPY libone.so libtwo.so /lib/\nCOPY app /app\nCMD [\"/app\"]\n",
            script: """
                echo 'int one(void) { return 0; }' >1.c; gcc -shared -Wl,-soname,libone.so -o stub.so 1.c
                gcc -shared -Wl,-soname,libone.so.1 -o libone.so 1.c
                echo 'int one(void); int two(void) { return one(); }' >2.c
                gcc -shared -Wl,-soname,libtwo.so -o libtwo.so 2.c ./libone.so
                echo 'int one(void); int two(void); int main(void) { return one() + two(); }' >t.c
                gcc -o app t.c ./stub.so ./libtwo.so -Wl,--allow-shlib-undefined
                """
        ),
    ]

    @Test(arguments: commands + users + programs) func imagesThatStartAreNotFlagged(_ example: Case) async throws {
        try await StartLab.with { lab in
            try await lab.expectStart(of: example)
        }
    }

    /// Files that were taken away by a later layer are not there, nor is what lay behind their links.
    @Test(arguments: [("/usr/bin/app", true), ("/opt/app", true), ("/opt/other", false)])
    func whiteouts(_ command: String, _ isFound: Bool) async throws {
        try await StartLab.with { lab in
            let script = """
                mkdir opt bin; printf '#!/bin/sh\\n' >opt/app; chmod 755 opt/app; cp opt/app opt/other; ln -s /opt/app bin/app
                tar cf opt.tar -C opt app other; tar cf bin.tar -C bin app
                """
            let dockerfile = "FROM busybox\nADD opt.tar /opt/\nADD bin.tar /usr/bin/\nCMD [\"\(command)\"]\n"
            try await lab.build(Case(dockerfile: dockerfile, script: script), "linux/amd64")
            try await Program.output(
                "umoci",
                ["insert", "--image", "\(lab.scratch["layout"]):1", "--whiteout", "/opt/other"]
            )
            let (status, findings) = try await lab.verdicts()
            #expect(findings == ["linux/amd64": isFound ? [] : ["error entrypoint-not-found"]])
            #expect(status == (isFound ? 0 : 1))
            #expect((try await lab.start("linux/amd64").status == 0) == isFound)
        }
    }
}
