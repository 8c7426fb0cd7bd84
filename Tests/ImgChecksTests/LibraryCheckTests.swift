import ImgChecks
import ImgOCI
import ImgReport
import Testing

/// Where libraries are looked for.
@Suite struct LibraryCheckTests {
    private func check(
        _ files: MemoryFiles,
        environment: [String] = [],
        directory: String = "/"
    ) async throws -> [Diagnostic] {
        try await StartCheckTests.findings(files) {
            ($0.cmd, $0.env, $0.workingDir) = (["/opt/app/bin/run"], environment, directory)
        }
    }

    private func image(_ edit: (inout ExecutableFacts) -> Void = { _ in }) -> MemoryFiles {
        var files = MemoryFiles()
        files.addDebian()
        var facts = ExecutableFacts.elf(needed: ["libfoo.so.1", "libc.so.6"], interpreter: MemoryFiles.loader("amd64"))
        edit(&facts)
        files.add("/opt/app/bin/run", facts)
        return files
    }

    @Test func missingLibrariesAreNamed() async throws {
        let findings = try await check(image())
        #expect(findings.map(\.rule) == ["library-not-found"])
        #expect(findings[0].message.contains("libfoo.so.1"))
    }

    @Test(arguments: ["/lib", "/usr/lib", "/lib64", "/usr/lib/x86_64-linux-gnu"])
    func directoriesOfTheLoader(_ directory: String) async throws {
        var files = image()
        files.add("\(directory)/libfoo.so.1", .elf("amd64", .shared))
        #expect(try await check(files) == [])
    }

    @Test(
        arguments: [
            "$ORIGIN/../lib", "${ORIGIN}/../lib", "/nowhere:/opt/app/lib", "/opt/app/$LIB",
            "/opt/${PLATFORM}/../app/lib",
        ]
    )
    func pathsOfThePrograms(_ path: String) async throws {
        for isOld in [true, false] {
            var files = image { if isOld { $0.rpath = path } else { $0.runpath = path } }
            files.addLinkless("/opt/app/lib/libfoo.so.1")
            #expect(try await check(files) == [])
        }
    }

    @Test func environmentVariable() async throws {
        var files = image()
        files.add("/opt/app/lib/libfoo.so.1", .elf("amd64", .shared))
        #expect(try await check(files, environment: ["LD_LIBRARY_PATH=/x:/opt/app/lib"]) == [])
        #expect(try await check(files).map(\.rule) == ["library-not-found"])
    }

    /// `ld.so.conf` is `ldconfig`'s; the loader itself reads only the cache.
    @Test func directoriesOfTheConfigurationCountThroughTheCache() async throws {
        var files = image()
        files.add("/usr/local/lib/libfoo.so.1", .elf("amd64", .shared))
        files.add("/etc/ld.so.conf.d/libc.conf", mode: 0o644, nil)
        files.texts["/etc/ld.so.conf.d/libc.conf"] = "# default\n/usr/local/lib\n"
        let findings = try await check(files)
        #expect(findings.map(\.rule) == ["library-not-found"])
        #expect(findings[0].hints[0].contains("LD_LIBRARY_PATH=/usr/local/lib"))
        files.texts["/etc/ld.so.cache"] = "/lib/x86_64-linux-gnu/libc.so.6"
        #expect(try await check(files).map(\.rule) == ["library-not-found"])
        files.texts["/etc/ld.so.cache"] = "/usr/local/lib/libfoo.so.1"
        #expect(try await check(files) == [])
        // A cache that was not kept may hold anything.
        files.texts["/etc/ld.so.cache"] = nil
        files.add("/etc/ld.so.cache", mode: 0o644, nil)
        #expect(try await check(files) == [])
    }

    @Test func librariesForOthersDoNotCount() async throws {
        var files = image()
        files.add("/lib/libfoo.so.1", .elf("arm64", .shared))
        #expect(try await check(files).map(\.rule) == ["library-not-found"])
    }

    /// An old-style path of the program serves its libraries, a new-style one does not.
    @Test func pathsAreInheritedAsTheLoaderDoes() async throws {
        for (isOld, rules) in [(true, []), (false, ["library-not-found"])] {
            var files = image { if isOld { $0.rpath = "/opt/app/lib" } else { $0.runpath = "/opt/app/lib" } }
            files.add("/opt/app/lib/libfoo.so.1", .elf("amd64", .shared, needed: ["libbar.so.1"]))
            files.add("/opt/app/lib/libbar.so.1", .elf("amd64", .shared))
            #expect(try await check(files).compactMap(\.rule) == rules)
        }
    }

    @Test func libraryOfALibraryIsNamedWithWhoNeedsIt() async throws {
        var files = image()
        files.add("/lib/libfoo.so.1", .elf("amd64", .shared, needed: ["libbar.so.1", "libfoo.so.1"]))
        let findings = try await check(files)
        #expect(findings.map(\.rule) == ["library-not-found"])
        #expect(findings[0].message.contains("libbar.so.1 (through /lib/libfoo.so.1)"))
    }

    @Test(arguments: [("GLIBC_2.36", false), ("GLIBC_2.37", true), ("GLIBC_2.4", false)])
    func cLibraryMustBeNewEnough(_ wanted: String, _ fails: Bool) async throws {
        var files = image { $0.needed = ["libc.so.6"] }
        files.files["/opt/app/bin/run"]?.facts?.glibcNeeded = LibraryVersion(symbolVersion: wanted)
        #expect(try await check(files).compactMap(\.rule) == (fails ? ["libc-too-old"] : []))
    }

    /// `$ORIGIN` is where a library was found, not where a link leads.
    @Test(arguments: ["/opt/a/lib", "/opt/b/lib"]) func originOfALinkedLibrary(_ directory: String) async throws {
        var files = image { $0.runpath = "/opt/a/lib" }
        files.add("/opt/b/lib/libfoo.so.1.2", .elf("amd64", .shared, needed: ["libbar.so.1"]))
        files.files["/opt/b/lib/libfoo.so.1.2"]?.facts?.runpath = "$ORIGIN"
        files.links["/opt/a/lib/libfoo.so.1"] = "/opt/b/lib/libfoo.so.1.2"
        #expect(try await check(files).map(\.rule) == ["library-not-found"])
        files.add("\(directory)/libbar.so.1", .elf("amd64", .shared))
        #expect(try await check(files) == [])
    }

    /// An old-style path reaches down through libraries that have one of their own.
    @Test func oldPathsOfLibrariesAreInherited() async throws {
        var files = image { $0.rpath = "/opt/one" }
        files.add("/opt/one/libfoo.so.1", .elf("amd64", .shared, needed: ["libbar.so.1"]))
        files.files["/opt/one/libfoo.so.1"]?.facts?.rpath = "/opt/two"
        files.add("/opt/one/libbar.so.1", .elf("amd64", .shared, needed: ["libbaz.so.1"]))
        #expect(try await check(files).map(\.rule) == ["library-not-found"])
        files.add("/opt/two/libbaz.so.1", .elf("amd64", .shared))
        #expect(try await check(files) == [])
    }

    /// What is loaded counts by its own name as well.
    @Test func nameInTheLibrary() async throws {
        var files = image { $0.needed = ["libfoo.so", "libbar.so.1", "libc.so.6"] }
        files.add("/lib/libfoo.so", .elf("amd64", .shared))
        files.add("/lib/libbar.so.1", .elf("amd64", .shared, needed: ["libfoo.so.1"]))
        #expect(try await check(files).map(\.rule) == ["library-not-found"])
        files.files["/lib/libfoo.so"]?.facts?.soname = "libfoo.so.1"
        #expect(try await check(files) == [])
        files.files["/lib/libfoo.so"]?.facts?.soname = nil
        #expect(try await check(files, environment: ["LD_PRELOAD=/opt/libx.so /opt/libfoo.so.1"]) == [])
    }

    @Test(
        arguments: [
            ("libs/libfoo.so.1", "", ""), ("$ORIGIN/libs/libfoo.so.1", "", ""), ("libfoo.so.1", "libs", ""),
            ("libfoo.so.1", "", "LD_LIBRARY_PATH=libs"), ("libfoo.so.1", "", "LD_LIBRARY_PATH=/x;libs"),
        ]
    )
    func pathsFromTheWorkingDirectory(_ needed: String, _ runpath: String, _ variable: String) async throws {
        var files = image { ($0.needed, $0.runpath) = ([needed, "libc.so.6"], runpath) }
        files.add("/opt/app/bin/libs/libfoo.so.1", .elf("amd64", .shared))
        #expect(try await check(files, environment: [variable], directory: "/opt/app/bin") == [])
        files.files["/opt/app/bin/libs/libfoo.so.1"] = nil
        #expect(
            try await check(files, environment: [variable], directory: "/opt/app/bin").map(\.rule) == [
                "library-not-found"
            ]
        )
    }

    /// `ENV LD_LIBRARY_PATH=/x:$LD_LIBRARY_PATH` ends in an empty item where nothing was set before.
    @Test func emptyItemIsTheWorkingDirectory() async throws {
        var files = image()
        files.add("/srv/libfoo.so.1", .elf("amd64", .shared))
        let variable = ["LD_LIBRARY_PATH=/x:"]
        #expect(try await check(files, environment: variable, directory: "/srv") == [])
        #expect(try await check(files, environment: variable).map(\.rule) == ["library-not-found"])
        #expect(try await check(files, environment: ["LD_LIBRARY_PATH="], directory: "/srv").count == 1)
    }

    @Test(arguments: ["glibc-hwcaps/x86-64-v3", "tls", "haswell"])
    func librariesForBetterProcessors(_ directory: String) async throws {
        var files = image()
        files.add("/usr/lib/x86_64-linux-gnu/\(directory)/libfoo.so.1", .elf("amd64", .shared))
        #expect(try await check(files) == [])
    }

    /// Nix, Guix and Alpine's glibc: the loader's own directory belongs to its search.
    @Test func loaderInAPlaceOfItsOwn() async throws {
        var files = image { $0.interpreter = "/nix/store/abc-glibc-2.40/lib/ld-linux-x86-64.so.2" }
        files.files["/nix/store/abc-glibc-2.40/lib/ld-linux-x86-64.so.2"] = files.files["/lib64/ld-linux-x86-64.so.2"]
        files.files["/nix/store/abc-glibc-2.40/lib/ld-linux-x86-64.so.2"]?.path =
            "/nix/store/abc-glibc-2.40/lib/ld-linux-x86-64.so.2"
        files.files["/nix/store/abc-glibc-2.40/lib/libc.so.6"] = files.files["/lib/x86_64-linux-gnu/libc.so.6"]
        files.files["/lib/x86_64-linux-gnu/libc.so.6"] = nil
        files.files["/lib64/ld-linux-x86-64.so.2"] = nil
        #expect(try await check(files).map(\.rule) == ["library-not-found"])
        files.add("/nix/store/abc-glibc-2.40/lib/libfoo.so.1", .elf("amd64", .shared))
        #expect(try await check(files) == [])
        files.files["/nix/store/abc-glibc-2.40/lib/libfoo.so.1"] = nil
        files.add("/nix/store/abc-glibc-2.40/etc/ld.so.cache", mode: 0o644, nil)
        #expect(try await check(files) == [], "its cache may have it")
    }

    @Test func loaderOfAnotherKind() async throws {
        var files = image { $0.interpreter = "/lib/ld-uClibc.so.0" }
        files.add("/lib/ld-uClibc.so.0", .elf("amd64", .shared))
        #expect(try await check(files) == [])
    }

    /// The host's driver comes with the runtime.
    @Test func librariesOfTheDriver() async throws {
        let findings = try await check(image { $0.needed = ["libcuda.so.1", "libc.so.6"] })
        #expect(findings.map(\.rule) == ["library-not-found"])
        #expect(findings.map(\.severity) == [.warning])
    }

    /// Alpine's gcompat stands where glibc's loader would.
    @Test func glibcProgramOnAlpineWithGcompat() async throws {
        var files = MemoryFiles()
        files.add("/lib/ld-musl-x86_64.so.1", .elf("amd64", .shared))
        files.add(MemoryFiles.loader("amd64"), .elf("amd64", .shared, needed: ["libc.musl-x86_64.so.1"]))
        let needed = ["libpthread.so.0", "libdl.so.2", "libm.so.6", "libc.so.6"]
        files.add("/opt/app/bin/run", .elf(needed: needed, interpreter: MemoryFiles.loader("amd64")))
        #expect(try await check(files) == [])
    }

    @Test func musl() async throws {
        var files = MemoryFiles()
        let loader = "/lib/ld-musl-x86_64.so.1"
        files.add(loader, .elf("amd64", .shared))
        files.add(
            "/opt/app/bin/run",
            .elf(needed: ["libc.musl-x86_64.so.1", "libz.so.1"], interpreter: loader)
        )
        #expect(try await check(files).compactMap(\.rule) == ["library-not-found"])
        files.add("/usr/local/lib/libz.so.1", .elf("amd64", .shared, needed: ["libc.musl-x86_64.so.1"]))
        #expect(try await check(files) == [])
        files.add("/etc/ld-musl-x86_64.path", mode: 0o644, nil)
        files.texts["/etc/ld-musl-x86_64.path"] = "/lib:/opt/lib\n"
        #expect(try await check(files).compactMap(\.rule) == ["library-not-found"])
    }
}

extension MemoryFiles {
    /// A library that is also found under paths with `..`, which this image does not resolve by itself.
    fileprivate mutating func addLinkless(_ path: String) {
        add(path, .elf("amd64", .shared))
        let facts = files[path]?.facts
        add("/opt/app/bin/../lib/libfoo.so.1", facts)
        add("/opt/x86_64/../app/lib/libfoo.so.1", facts)
    }
}
