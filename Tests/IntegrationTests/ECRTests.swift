import ImgTestKit
import Testing

/// Amazon ECR without any helper: moto gives the passwords, docker-registry behind nginx has ECR's name.
@Suite(.serialized) struct ECRTests {
    private static let region = "eu-west-1"
    private static let host = "\(Moto.account).dkr.ecr.\(region).amazonaws.com"
    private static let secretKey = "wJalrXUtnFEMI/SECRET"
    /// What moto answers.
    private static let password = "\(Moto.account)-auth-token"

    private struct World: Sendable {
        let lab: Lab
        let moto: Moto
        let front: TLSFront
        let authority: TestAuthority

        /// Nothing of this machine's own AWS configuration counts.
        func imgbuild(_ arguments: [String], _ variables: [String: String] = [:]) async throws -> ProgramResult {
            var environment = front.environment
            environment["AWS_ENDPOINT_URL_ECR"] = moto.url
            environment["AWS_ACCESS_KEY_ID"] = "AKIAEXAMPLE"
            environment["AWS_SECRET_ACCESS_KEY"] = secretKey
            environment["AWS_EC2_METADATA_DISABLED"] = "true"
            environment.merge(variables) { $1 }
            let result = try await lab.imgbuild(arguments, environment: environment)
            for secret in [secretKey, password, Base64Text.encode(Array("AWS:\(password)".utf8))] {
                #expect(!result.errors.contains(secret) && !result.output.contains(secret), "\(result)")
            }
            return result
        }

        func push(
            _ arguments: [String] = [],
            to image: String = "\(host)/team/app:1",
            _ variables: [String: String] = [:]
        ) async throws -> ProgramResult {
            let context = try lab.context()
            let target = ["--registry-ca", "\(host)=\(authority.certificate)", "-t", image, "--push", context]
            return try await imgbuild(
                ["-D", "--platform", "linux/amd64,linux/arm64"] + arguments + target,
                variables
            )
        }

        /// The registry knows the repository once ECR has it.
        func makeVisible() async throws {
            for _ in 0..<200 {
                if try await hasRepository("team/app") { break }
                try await Task.sleep(for: .milliseconds(100))
            }
            try lab.scratch.write("known", "")
        }

        /// Whether ECR has a repository.
        func hasRepository(_ name: String) async throws -> Bool {
            try await moto.ecr("DescribeRepositories", "{\"repositoryNames\":[\"\(name)\"]}", region: region)
                .contains("repositoryUri")
        }
    }

    /// - Parameter knowsAll: Otherwise a repository is unknown until the file `known` is there, as ECR's are until they
    ///   are created.
    private static func with(
        knowsAll: Bool = true,
        _ body: @Sendable @escaping (World) async throws -> Void
    ) async throws {
        let accounts: @Sendable (Scratch) async throws -> String = {
            try await TestRegistry.accounts(in: $0, ["AWS": password])
        }
        try await Lab.with(configuration: accounts) { lab in
            let authority = try await TestAuthority(in: lab.scratch)
            let server = try await authority.issue("server", hosts: [host])
            var options = TLSFront.Options()
            options.host = host
            if !knowsAll {
                let answer = "The repository with name team/app does not exist in the registry"
                options.location = """
                    default_type application/json;
                    if (!-f \(lab.scratch["known"])) {
                        return 404 '{"errors":[{"code":"NAME_UNKNOWN","message":"\(answer)"}]}';
                    }
                    """
            }
            try await TLSFront.with(in: lab.scratch, to: lab.registry.port, server, options) { front in
                try await Moto.with { moto in
                    try await body(World(lab: lab, moto: moto, front: front, authority: authority))
                }
            }
        }
    }

    @Test func pushesWithAWSCredentials() async throws {
        try await Self.with { world in
            let push = try await world.push()
            #expect(push.status == 0, "\(push)")
            let inspect = try await world.imgbuild([
                "inspect", "--registry-ca", world.authority.certificate, "\(Self.host)/team/app:1",
            ])
            #expect(inspect.status == 0, "\(inspect)")
            #expect(inspect.output.contains("linux/arm64"), "\(inspect)")
        }
    }

    @Test func makesARepositoryWhenAsked() async throws {
        try await Self.with(knowsAll: false) { world in
            let refused = try await world.push()
            #expect(refused.status == 4, "\(refused)")
            #expect(refused.errors.contains("the repository does not exist"), "\(refused)")
            #expect(refused.errors.contains("--create-repository"), "\(refused)")
            let command = "aws ecr create-repository --repository-name team/app --region \(Self.region)"
            #expect(refused.errors.contains(command), "\(refused)")
            #expect(try await !world.hasRepository("team/app"))

            // The registry sees the repository a moment after it was made.
            async let visible: Void = world.makeVisible()
            let push = try await world.push(["--create-repository"])
            try await visible
            #expect(push.status == 0, "\(push)")
            #expect(push.errors.contains("created the repository \(Self.host)/team/app"), "\(push)")
            #expect(try await world.hasRepository("team/app"))
        }
    }

    /// What pushes without a build has the flag, too.
    @Test(arguments: [["copy", "x.tar"], ["push", "x.tar"], ["index", "create", "x.tar", "-t"]])
    func everyPushMakesARepository(_ command: [String]) async throws {
        try await Self.with(knowsAll: false) { world in
            let context = try world.lab.context()
            try await world.lab.build(["--platform", "linux/amd64", "-o", "type=oci,dest=x.tar", context])
            let image = "\(Self.host)/team/app:1"
            let authority = ["--registry-ca", "\(Self.host)=\(world.authority.certificate)"]
            let refused = try await world.imgbuild(command + [image] + authority)
            #expect(refused.status == 4, "\(refused)")
            #expect(refused.errors.contains("create it with --create-repository"), "\(refused)")
            #expect(try await !world.hasRepository("team/app"))

            async let visible: Void = world.makeVisible()
            let push = try await world.imgbuild(command + [image, "--create-repository"] + authority)
            try await visible
            #expect(push.status == 0, "\(push)")
            let notes = push.errors.ranges(of: "created the repository \(Self.host)/team/app")
            #expect(notes.count == 1, "\(push)")
            #expect(try await world.hasRepository("team/app"))
            #expect(try await world.imgbuild(["inspect", image] + authority).status == 0)
        }
    }

    @Test func withoutCredentialsEverySourceIsListed() async throws {
        try await Self.with { world in
            let result = try await world.push([], ["AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""])
            #expect(result.status == 3, "\(result)")
            for text in ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_EC2_METADATA_DISABLED", "aws sso login"] {
                #expect(result.errors.contains(text), "\(text): \(result)")
            }
            #expect(!result.errors.contains("ecr:PutImage"), "rights are not what is missing: \(result)")
        }
    }

    /// The region is part of the host name, so a wrong one is a name that nobody knows.
    @Test func wrongRegionIsNamed() async throws {
        try await Self.with { world in
            let image = "\(Moto.account).dkr.ecr.eu-wst-1.amazonaws.com/team/app:1"
            let result = try await world.push([], to: image, ["AWS_ENDPOINT_URL_ECR": "", "HTTPS_PROXY": ""])
            #expect(result.status == 5, "\(result)")
            #expect(result.errors.contains("eu-wst-1"), "\(result)")
            #expect(result.errors.contains("check the region"), "\(result)")
        }
    }

    /// What `docker login` has stored is used, and no AWS credentials are needed then.
    @Test func passwordOfDockerServes() async throws {
        try await Self.with { world in
            let old = Base64Text.encode(Array("AWS:\(Self.password)".utf8))
            try world.lab.scratch.write("docker/config.json", "{\"auths\":{\"\(Self.host)\":{\"auth\":\"\(old)\"}}}")
            let push = try await world.push([], ["AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""])
            #expect(push.status == 0, "\(push)")
        }
    }
}
