import ImgCredentials
import ImgOCI
import ImgReport
import ImgTestKit
import Testing

/// Against moto, which no script of ours has taught what AWS answers.
@Suite(.serialized) struct MotoTests {
    private static let host = "\(Moto.account).dkr.ecr.eu-west-1.amazonaws.com"

    /// Runs `body` with a world whose AWS is a moto of its own.
    private func with(
        _ variables: [String: String],
        _ body: @Sendable @escaping (World) async throws -> Void
    ) async throws {
        try await Moto.with { moto in
            var world = World()
            world.variables = variables.merging(["AWS_ENDPOINT_URL": moto.url]) { $1 }
            world.transport = LoopbackTransport(port: moto.port)
            try await body(world)
        }
    }

    private let keys = ["AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"]

    @Test func givesAPassword() async throws {
        try await with(keys) { world in
            let found = try await world.resolver().credential(for: Self.host, repository: "app", purpose: .push)
            guard case .basic("AWS", let password) = found.credential else {
                Issue.record("no password for AWS")
                return
            }
            #expect(!password.isEmpty)
        }
    }

    @Test func makesARepositoryOnce() async throws {
        try await with(keys) { world in
            let ecr = world.resolver().ecr
            let registry = try #require(ECRRegistry(host: Self.host))
            let options = ECRRepositoryOptions(isImmutable: true, tags: ["team": "a"])
            #expect(try await ecr.createRepository("team/app", at: registry, options))
            #expect(try await ecr.createRepository("team/app", at: registry, options) == false)
        }
    }

    @Test func assumesARole() async throws {
        try await with(["AWS_PROFILE": "role"]) { world in
            world.files["/home/u/.aws/config"] = """
                [profile role]
                role_arn = arn:aws:iam::123456789012:role/push
                source_profile = base
                [profile base]
                aws_access_key_id = AKIAEXAMPLE
                aws_secret_access_key = secret
                """
            let found = try await world.resolver().credential(for: Self.host, repository: "app", purpose: .push)
            #expect(found.source == "AWS profile role, role arn:aws:iam::123456789012:role/push")
            #expect(found.identity.hasPrefix("AWS access key …"))
        }
    }

    @Test func assumesARoleWithAWebIdentity() async throws {
        let variables = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web",
            "AWS_ROLE_SESSION_NAME": "test",
        ]
        try await with(variables) { world in
            world.files["/var/token"] = "header.payload.signature"
            let found = try await world.resolver().credential(for: Self.host, repository: "app", purpose: .push)
            #expect(found.source == "AWS role arn:aws:iam::123456789012:role/web by web identity token /var/token")
        }
    }
}
