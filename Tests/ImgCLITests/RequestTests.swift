import ArgumentParser
import ImgBuilder
import ImgOCI
import ImgReport
import Testing

@testable import ImgCLI

@Suite("Flags make a request") struct RequestTests {
    @Test func mainJob() throws {
        let made = try request(["--platform", "linux/amd64,linux/arm64", "-t", "ghcr.io/a/b:1", "--push", "."])
        #expect(made.context == .directory("."))
        #expect(made.platforms.map(\.description) == ["linux/amd64", "linux/arm64"])
        #expect(made.tags.map(\.normalized) == ["ghcr.io/a/b:1"])
        #expect(made.outputs == [.registry])
        #expect(made.dockerfile == nil)
        #expect(made.usesCache)
    }

    @Test func buildIsTheDefaultCommand() throws {
        #expect(try request(["build", "."]).context == .directory("."))
        #expect(try request(["."]).context == .directory("."))
    }

    @Test(arguments: [
        ("-", ContextLocation.standardInput), ("dir", .directory("dir")), ("a.tar.gz", .archive("a.tar.gz")),
        ("https://example.org/a/b.git#v1:sub", .git("https://example.org/a/b.git#v1:sub")),
    ])
    func contexts(_ text: String, _ location: ContextLocation) throws {
        #expect(try request([text]).context == location)
    }

    @Test(arguments: [
        ("type=registry", OutputRequest.registry), ("type=image,push=true", .registry), ("type=image", .nothing),
        ("type=image,push=false", .nothing), ("type=registry,push=false", .nothing),
        ("type=image,push-by-digest=true", .nothing), ("type=image,push-by-digest=true,push=false", .nothing),
        ("type=registry,push-by-digest=true,push=false", .nothing),
        ("type=oci,dest=a.tar", .layout(path: "a.tar", isTar: true)),
        ("type=oci,dest=dir", .layout(path: "dir", isTar: false)),
        ("type=oci,dest=dir,tar=true", .layout(path: "dir", isTar: true)),
        ("type=oci,dest=a.tar,tar=false", .layout(path: "a.tar", isTar: false)),
        ("type=oci", .layout(path: "-", isTar: true)), ("type=docker,dest=b.tar", .dockerArchive(path: "b.tar")),
        ("type=docker", .dockerDaemon), ("type=docker,dest=-", .dockerArchive(path: "-")), ("type=cacheonly", .nothing),
    ])
    func outputs(_ text: String, _ output: OutputRequest) throws {
        #expect(try request(["-t", "localhost/x", "-o", text, "."]).outputs == [output])
        #expect(try request(["-t", "localhost/x", "--output=\(text)", "."]).outputs == [output])
    }

    @Test func outputByDigestNamesItsRepository() throws {
        let made = try request(["-o", "type=image,push-by-digest=true,name=ghcr.io/a/b,push=true", "."])
        #expect(made.outputs == [.registryByDigest(try reference("ghcr.io/a/b:latest"))])
    }

    @Test func outputShapesTheImage() throws {
        let text = "type=oci,dest=x.tar,compression=gzip,compression-level=9,oci-mediatypes=false,index=true"
        let made = try request(["-o", text, "."])
        #expect(made.compression == CompressionRequest(format: .gzip, level: 9))
        #expect(made.usesDockerMediaTypes)
        #expect(made.forcesIndex)
        let other = try request(["-o", "type=oci,dest=x.tar,compression=zstd,compression-level=9", "."])
        #expect(other.compression == CompressionRequest(format: .zstd, level: 9))
    }

    @Test(arguments: [
        ("type=tar,dest=x", "not supported"), ("dest=x", "type is required"), ("type=oci,colour=red", "colour"),
        ("type=oci,tar=perhaps", "true or false"),
        ("type=oci,compression=lzma", "lzma"), ("path", "KEY=VALUE"),
        ("type=registry,push-by-digest=true", "name=REPO"),
        ("type=registry,name=a@sha256:\(String(repeating: "0", count: 64))", "digest reference"),
        ("type=registry,name=Upper/Case", "must be lowercase"),
        ("type=registry,name=a,oci-mediatypes=false,compression=zstd", "compression=zstd"),
    ])
    func outputsRefused(_ text: String, _ word: String) throws {
        #expect(try refusal(["-o", text, "."]).message.contains(word))
    }

    /// One image is made for all outputs.
    @Test func outputsThatContradict() throws {
        let two = ["-o", "type=oci,dest=a,compression=gzip", "-o", "type=oci,dest=b,compression=zstd", "."]
        #expect(try refusal(two).message.contains("one image is made for all outputs"))
        let same = ["-o", "type=oci,dest=a,compression=zstd", "-o", "type=oci,dest=b,compression=zstd", "."]
        #expect(try request(same).outputs.count == 2)
    }

    @Test func whatIsPushedByDigestIsNoTagOfOthers() throws {
        let made = try request([
            "-o", "type=registry,push-by-digest=true,name=a/x", "-o", "type=registry,name=b/x:1", "-t", "c/x:1", ".",
        ])
        #expect(made.outputs == [.registryByDigest(try reference("a/x:latest")), .registry])
        #expect(made.tags.map(\.familiar) == ["c/x:1", "b/x:1"])
    }

    @Test func pushAppliesToTheImageThatIsNamed() throws {
        let made = try request(["--push", "-o", "type=image,push-by-digest=true,name=ghcr.io/a/b", "."])
        #expect(made.outputs == [.registryByDigest(try reference("ghcr.io/a/b:latest"))])
        #expect(try request(["--push", "-t", "a/b", "-o", "type=oci,dest=x", "."]).outputs.first == .registry)
        #expect(
            try refusal(["--push", "-t", "a/b", "-o", "type=image,push=false", "."]).message.contains("contradict")
        )
        #expect(try request(["--load", "-o", "type=docker", "."]).outputs == [.dockerDaemon])
    }

    /// Docker's documentation of builds on several machines has this line.
    @Test func theRecipeForSeveralRunners() throws {
        let text = "type=image,push-by-digest=true,name-canonical=true,push=true,name=ghcr.io/a/b"
        let made = try meaning(["-o", text, "."])
        #expect(made.request.outputs == [.registryByDigest(try reference("ghcr.io/a/b:latest"))])
        #expect(made.notices.count == 1)
        #expect(made.notices.first?.contains("name-canonical has no effect") == true)
    }

    @Test(arguments: [
        "unpack=true", "store=false", "dangling-name-prefix=x", "danging-name-empty-only=true",
        "prefer-nondist-layers=true", "attestation-inline=true", "attestation-prefix=x", "oci-artifact=true",
        "buildinfo=true", "rewrite-timestamp=false",
    ])
    func attributesWithoutEffect(_ attribute: String) throws {
        let made = try meaning(["-t", "a/b", "-o", "type=registry,\(attribute)", "."])
        #expect(made.notices.count == 1)
        #expect(made.notices.first?.contains(attribute.prefix { $0 != "=" }) == true)
        #expect(made.request.outputs == [.registry])
    }

    @Test func annotationsOfAnOutput() throws {
        let text =
            "type=registry,name=a/b,annotation.k.l=v=1,\"annotation-index.t=a,b\",annotation-manifest[linux/arm64].m=2,"
            + "annotation-manifest-descriptor.d=3,annotation[linux/amd64].n=4"
        #expect(
            try request(["-o", text, "."]).annotations == [
                AnnotationRequest(level: .manifest, platform: nil, key: "k.l", value: "v=1"),
                AnnotationRequest(level: .index, platform: nil, key: "t", value: "a,b"),
                AnnotationRequest(level: .manifest, platform: try platform("linux/arm64"), key: "m", value: "2"),
                AnnotationRequest(level: .manifestDescriptor, platform: nil, key: "d", value: "3"),
                AnnotationRequest(level: .manifest, platform: try platform("linux/amd64"), key: "n", value: "4"),
            ]
        )
    }

    @Test func insecureRegistriesOfAnOutput() throws {
        let made = try meaning(["-t", "reg:5000/x", "-o", "type=registry,registry.insecure=true", "."])
        #expect(made.insecureHosts == ["reg:5000"])
        #expect(try meaning(["-t", "reg:5000/x", "-o", "type=registry", "."]).insecureHosts.isEmpty)
    }

    @Test func quotedFieldsOfAnOutput() throws {
        let made = try request(["-o", "type=registry,\"name=a/x:1,b/x:1\"", "."])
        #expect(made.tags.map(\.familiar) == ["a/x:1", "b/x:1"])
        #expect(try request(["-o", "type=oci,\"dest=a\"\"b\"", "."]).outputs == [.layout(path: "a\"b", isTar: false)])
        #expect(try refusal(["-o", "type=oci,\"dest=a", "."]).message.contains("not closed"))
    }

    @Test(arguments: [
        ("type=oci,dset=x", "dest?"), ("type=registry,name=a,source-date-epoch=1", "--timestamp"),
        ("type=docker,context=x", "DOCKER_CONTEXT"), ("type=oci,push=true", "--push"),
        ("type=oci,colour=red", "known are"),
    ])
    func refusedAttributesHaveARemedy(_ text: String, _ remedy: String) throws {
        #expect(try refusal(["-o", text, "."]).hints.first?.contains(remedy) == true)
    }

    @Test func attestationsAreRefusedUnlessSwitchedOff() throws {
        #expect(throws: (any Error).self) { try request(["--attest", "type=sbom", "."]) }
        _ = try request(["--attest", "type=provenance,disabled=true", "."])
    }

    @Test func everyNameIsPushedByDigest() throws {
        let made = try request(["-o", "type=registry,push-by-digest=true", "-t", "a/x:1", "-t", "b/x:1", "."])
        #expect(made.outputs.count == 2)
    }

    @Test func tags() throws {
        let made = try request(["-t", "alpine", "-tghcr.io/a/b:2", "--tag=alpine:latest", "."])
        #expect(made.tags.map(\.normalized) == ["docker.io/library/alpine:latest", "ghcr.io/a/b:2"])
    }

    @Test(arguments: [
        (["-t", "Upper/Case", "."], "invalid tag"),
        (["-t", "a@sha256:\(String(repeating: "0", count: 64))", "."], "digest"),
        (["--push", "."], "tag is needed"), (["--platform", "linux/", "."], "platform"), ([], "context"),
        (["--verify", "some", "."], "--verify"),
        (["--timestamp", "now", "."], "--timestamp"),
        (["--platform-check", "maybe", "."], "--platform-check"), (["--secret-check", "maybe", "."], "--secret-check"),
        (["--build-context", "x", "."], "NAME=VALUE"),
        (["--cache-to", "type=registry,ref=a@sha256:\(String(repeating: "0", count: 64))", "."], "digest reference"),
        (["--cache-to", "type=local,dest=a,mode=most", "."], "min or max"),
        (["https://example.com/context.tar.gz"], "not supported"), ([""], "context"),
        (["-o", "type=oci,dest=a,index=false", "--platform", "linux/amd64,linux/arm64", "."], "index=false"),
        (["-o", "type=oci,dest=a,oci-mediatypes=false", "--annotation", "a=b", "."], "annotations"),
        (["--annotation", "x", "."], "KEY=VALUE"), (["--annotation", "index:=v", "."], "KEY=VALUE"),
        (["--annotation", "planet:x=y", "."], "planet"),
    ])
    func refused(_ arguments: [String], _ word: String) throws {
        #expect(try refusal(arguments).message.contains(word))
    }

    @Test func aURLThatIsRefusedKeepsItsSecrets() throws {
        let refused = try refusal(["https://user:geheim@h/c.tar.gz?token=geheim"])
        #expect(refused.message.contains("https://***@h/c.tar.gz"))
        #expect(!(refused.hints + [refused.message]).contains { $0.contains("geheim") })
    }

    @Test func buildArguments() throws {
        let made = try request([
            "--build-arg", "A=1", "--build-arg", "B", "--build-arg=C=", "--build-arg", "D=x=y", ".",
        ])
        #expect(
            made.buildArguments == [
                BuildArgument(name: "A", value: "1"), BuildArgument(name: "B", value: nil),
                BuildArgument(name: "C", value: ""), BuildArgument(name: "D", value: "x=y"),
            ]
        )
    }

    @Test func labelsAndContexts() throws {
        let made = try request(["--label", "a=b=c", "--label", "d", "--build-context", "x=docker-image://alpine", "."])
        #expect(made.labels.map(\.key) == ["a", "d"])
        #expect(made.labels.map(\.value) == ["b=c", ""])
        #expect(made.namedContexts.map(\.name) == ["x"])
        #expect(made.namedContexts.map(\.value) == ["docker-image://alpine"])
    }

    @Test func annotations() throws {
        let made = try request([
            "--annotation", "k=v", "--annotation", "index:i=1", "--annotation",
            "manifest[linux/arm64],manifest-descriptor:m=2", ".",
        ])
        #expect(
            made.annotations == [
                AnnotationRequest(level: .manifest, platform: nil, key: "k", value: "v"),
                AnnotationRequest(level: .index, platform: nil, key: "i", value: "1"),
                AnnotationRequest(level: .manifest, platform: try platform("linux/arm64"), key: "m", value: "2"),
                AnnotationRequest(level: .manifestDescriptor, platform: nil, key: "m", value: "2"),
            ]
        )
    }

    @Test func platformsFromTheEnvironment() throws {
        let variables = ["DOCKER_DEFAULT_PLATFORM": "linux/riscv64", "BUILDKIT_MULTI_PLATFORM": "1"]
        let made = try request(["."], variables: variables)
        #expect(made.platforms == [try platform("linux/riscv64")])
        #expect(made.forcesIndex)
        #expect(
            try request(["--platform=linux/arm64", "."], variables: variables).platforms == [
                try platform("linux/arm64")
            ]
        )
    }

    @Test(arguments: [("git", TimestampRequest.git), ("86400", .epoch(86400))])
    func timestamps(_ text: String, _ expected: TimestampRequest) throws {
        #expect(try request(["--timestamp", text, "."]).timestamp == expected)
    }

    @Test func checks() throws {
        let made = try request([
            "--platform-check=warn", "--start-check", "off", "--platform-check-allow", "/opt/*", "--no-cache",
            "--target", "x", "-f", "-", "--allow-platform-mismatch", "--verify=blobs", "--secret-check=error",
            "--secret-check-allow", "/etc/*", ".",
        ])
        #expect(made.secretCheck == .error)
        #expect(made.secretCheckExceptions == ["/etc/*"])
        #expect(made.platformCheck == .warn)
        #expect(made.startCheck == .off)
        #expect(made.platformCheckExceptions == ["/opt/*"])
        #expect(!made.usesCache)
        #expect(made.target == "x")
        #expect(made.dockerfile == .standardInput)
        #expect(made.allowsPlatformMismatch)
        #expect(made.verification == .blobs)
    }
}

extension RequestTests {
    /// As of variables that are not set.
    @Test func emptyValuesAreNone() throws {
        let made = try request(["--target", "", "-f", "", "."])
        #expect(made.target == nil)
        #expect(made.dockerfile == nil)
    }
}

@Suite("Flags that change nothing are named") struct NoticeTests {
    @Test(arguments: [
        (["--create-repository"], "--create-repository"), (["--verify=blobs"], "--verify"),
        (["--verify=blobs", "-t", "a/b", "-o", "type=image"], "--verify"),
        (["--no-cache", "--cache-from", "a/b"], "--cache-from"),
        (["--check", "--metadata-file", "x"], "--metadata-file"),
        (["--check", "--secret-check", "error"], "--secret-check"), (["--check", "--for", "nonsense"], "--for"),
        (["--call=outline", "--iidfile=x"], "--iidfile"),
        (["-o", "type=image", "-t", "a/b"], "type=image goes nowhere"),
        (["-o", "type=registry,push-by-digest=true", "-t", "a/b:1"], "moves no tag: a/b:1"),
    ])
    func answered(_ arguments: [String], _ word: String) throws {
        let notices = try meaning(arguments + ["."]).notices
        #expect(notices.contains { $0.contains(word) })
    }

    @Test func whatHasAnEffectIsNotNamed() throws {
        let push = ["--push", "-t", "a/b", "--verify=blobs", "--create-repository", "--cache-from", "a/b", "."]
        #expect(try meaning(push).notices.isEmpty)
        #expect(try meaning(["--check", "--target", "x", "-t", "a/b", "."]).notices.isEmpty)
        // One line for all of them.
        #expect(try meaning(["--check", "--push", "-t", "a/b", "--verify=off", "--no-cache", "."]).notices.count == 1)
    }

    @Test func anIndexIsAForcedChoice() throws {
        let variables = ["BUILDKIT_MULTI_PLATFORM": "1"]
        #expect(try !request(["-o", "type=oci,dest=a,index=false", "."], variables: variables).forcesIndex)
        let twice = ["-o", "type=oci,dest=a,index=false", "--platform=linux/amd64,linux/amd64", "."]
        #expect(try !request(twice).forcesIndex)
    }
}

@Suite("Commands") struct CommandTests {
    @Test(arguments: [
        ["build", "."], ["copy", "a/b", "c/d"], ["push", "lay", "a/b"], ["index", "create", "a/b"], ["inspect", "a/b"],
        ["verify", "a/b"], ["doctor", "a/b"], ["login", "ghcr.io"],
    ])
    func whoeverTalksToRegistriesCanShowIt(_ arguments: [String]) throws {
        _ = try RootCommand.parseAsRoot(arguments + ["-D"])
    }

    @Test(arguments: [["build", "."], ["copy", "a/b", "c/d"], ["push", "lay", "a/b"], ["index", "create", "a/b"]])
    func whoeverPushesCanMakeTheRepository(_ arguments: [String]) throws {
        _ = try RootCommand.parseAsRoot(arguments + ["--create-repository"])
    }
}

@Suite("Evaluation") struct CallTests {
    @Test(arguments: [
        (["--check"], CallMethod.Method.check, CallMethod.Format.text), (["--call=lint,format=json"], .check, .json),
        (["--call", "check,format=github"], .check, .github), (["--call=targets"], .targets, .text),
        (["--print=outline,format=json"], .outline, .json),
    ])
    func methods(_ arguments: [String], _ method: CallMethod.Method, _ format: CallMethod.Format) throws {
        let command = try #require(try RootCommand.parseAsRoot(arguments + ["."]) as? BuildCommand)
        let call = try #require(try command.checks.call)
        #expect(call.method == method)
        #expect(call.format == format)
    }

    @Test func buildIsNoEvaluation() throws {
        let command = try #require(try RootCommand.parseAsRoot(["--call=build", "."]) as? BuildCommand)
        #expect(try command.checks.call == nil)
    }

    @Test func contradictingMethods() throws {
        for arguments in [
            ["--call=build", "--check"], ["--check", "--call=outline"], ["--call=check", "--print=outline"],
        ] {
            let command = try #require(try RootCommand.parseAsRoot(arguments + ["."]) as? BuildCommand)
            #expect(throws: BuildError.self) { try command.checks.call }
        }
        let same = try #require(
            try RootCommand.parseAsRoot(["--check", "--call=lint,format=json", "."]) as? BuildCommand
        )
        #expect(try same.checks.call?.format == .json)
    }

    @Test(arguments: ["lunch", "check,format=xml", "outline,format=github", "check,colour=red"])
    func refused(_ text: String) {
        #expect(throws: BuildError.self) { try CallMethod(parsing: text) }
    }
}

@Suite("Flags of buildx without effect") struct AcceptedTests {
    @Test(arguments: [
        (["--network=host"], "--network"), (["--secret", "id=x"], "--secret"), (["--builder", "b"], "--builder"),
        (["--no-cache-filter", "x"], "--no-cache-filter"), (["--ulimit=nofile=1"], "--ulimit"),
        (["--compress"], "--compress"), (["-m", "1g"], "--memory"), (["--memory-swap", "-1"], "--memory-swap"),
        (["-c", "2"], "--cpu-shares"), (["--cpu-period=1"], "--cpu-period"), (["--cpu-quota", "-1"], "--cpu-quota"),
        (["--cpuset-cpus=0"], "--cpuset-cpus"), (["--cpuset-mems=0"], "--cpuset-mems"),
        (["--isolation=default"], "--isolation"), (["--security-opt", "x"], "--security-opt"),
        (["--resource", "cpu=1"], "--resource"), (["--squash"], "--squash"),
    ])
    func answered(_ arguments: [String], _ flag: String) throws {
        let command = try #require(try RootCommand.parseAsRoot(arguments + ["."]) as? BuildCommand)
        #expect(command.accepted.notices.count == 1)
        #expect(command.accepted.notices.first?.hasPrefix(flag) == true)
    }

    @Test(arguments: [
        "--provenance=mode=max", "--sbom=true", "--network=carrier-pigeon", "--progress=loud", "--policy=x", "--bogus",
    ])
    func refused(_ flag: String) {
        #expect(throws: (any Error).self) { try RootCommand.parseAsRoot([flag, "."]) }
    }

    @Test(arguments: ["--provenance=false", "--sbom=false"])
    func switchedOff(_ flag: String) throws {
        let command = try #require(try RootCommand.parseAsRoot([flag, "."]) as? BuildCommand)
        #expect(command.accepted.notices.isEmpty)
    }
}
