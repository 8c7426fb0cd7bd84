import ImgOCI
import ImgReport
import ImgTestKit
import Synchronization
import Testing

@testable import ImgCredentials

@Suite struct ECRProviderTests {
    private static let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    private static let keys = ["AWS_ACCESS_KEY_ID": "AKIA1234ABCD", "AWS_SECRET_ACCESS_KEY": "env-secret"]
    /// 2026-01-02T15:04:05Z, twelve hours after the test clock's start.
    private static let end = "1.767366245E9"

    private static func token(_ password: String, expiresAt: String = end) -> String {
        let data = #"{"authorizationToken":"\#(base64("AWS:\(password)"))","expiresAt":\#(expiresAt)}"#
        return #"{"authorizationData":[\#(data)]}"#
    }

    private func world(_ transport: any CredentialTransport, _ variables: [String: String] = keys) -> World {
        var world = World()
        world.variables = variables
        world.transport = transport
        return world
    }

    /// Answers the listed replies one after the other, the last one for ever.
    private func script(_ replies: [CredentialReply]) -> ScriptedTransport {
        let rest = Mutex(replies)
        return ScriptedTransport { (_) throws(CredentialTransportError) in
            rest.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        }
    }

    private func failure(
        _ world: World,
        _ host: String = host,
        _ purpose: CredentialPurpose = .push
    ) async -> BuildError? {
        let resolver = world.resolver()
        return await buildError { () throws(BuildError) in
            try await resolver.credential(for: host, repository: "a", purpose: purpose)
        }
    }

    @Test func signsInWithoutAnyConfiguration() async throws {
        let transport = script([.json(Self.token("pass:word"))])
        let world = world(transport)
        let found = try await world.resolver().credential(for: Self.host, repository: "a", purpose: .push)
        #expect(found.credential == .basic(user: "AWS", password: Secret("pass:word")))
        #expect(found.origin == .ecr)
        #expect(found.source == "AWS environment variables")
        #expect(found.identity == "AWS access key …ABCD")
        let request = try #require(transport.requests.first)
        #expect(request.url == "https://api.ecr.eu-west-1.amazonaws.com/")
        #expect(request.text == "{}")
        #expect(
            request.headers.value(of: "X-Amz-Target")
                == "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
        )
        #expect(request.headers.value(of: "Content-Type") == "application/x-amz-json-1.1")
        #expect(request.headers.value(of: "Authorization")?.contains("/20260102/eu-west-1/ecr/aws4_request") == true)
        #expect(!world.events.transcript.contains("env-secret"))
        #expect(!world.events.transcript.contains("AKIA1234"))
    }

    @Test(arguments: ["9223372036854775807", "-9223372036854775808", "1e300"])
    func refusesATimeThatCannotBe(_ time: String) async {
        let error = await failure(world(script([.json(Self.token("p", expiresAt: time))])))
        #expect(error?.description.contains("GetAuthorizationToken") == true, "\(String(describing: error))")
    }

    @Test func thePublicRegistryAnswersAnObject() async throws {
        let body = Self.token("p").replacing("[", with: "").replacing("]", with: "")
        let transport = script([.json(body)])
        let found = try await world(transport).resolver()
            .credential(for: "public.ecr.aws", repository: "a/b", purpose: .push)
        #expect(found.credential == .basic(user: "AWS", password: Secret("p")))
        let request = try #require(transport.requests.first)
        #expect(request.url == "https://api.ecr-public.us-east-1.amazonaws.com/")
        #expect(request.headers.value(of: "X-Amz-Target") == "SpencerFrontendService.GetAuthorizationToken")
        #expect(request.headers.value(of: "Authorization")?.contains("/us-east-1/ecr-public/aws4_request") == true)
    }

    @Test func thePublicRegistryIsPulledFromAnonymouslyWithoutKeysAtHand() async throws {
        let transport = ScriptedTransport.unreachable
        let anonymous = try await world(transport, [:]).resolver()
            .credential(for: "public.ecr.aws", repository: "a/b", purpose: .pull)
        #expect(anonymous.credential == .anonymous)
        #expect(transport.requests.isEmpty, "no source is asked over the network")
        let broken = try await world(
            ScriptedTransport { (_) throws(CredentialTransportError) in CredentialReply(status: 403) }
        )
        .resolver().credential(for: "public.ecr.aws", repository: "a/b", purpose: .pull)
        #expect(broken.credential == .anonymous)
        #expect(await failure(world(transport, [:]), "public.ecr.aws")?.description == "no AWS credentials found")
    }

    @Test(arguments: [CredentialPurpose.pull, .push])
    func aPrivateRegistryNeedsKeys(_ purpose: CredentialPurpose) async {
        let error = await failure(world(ScriptedTransport.unreachable, [:]), Self.host, purpose)
        #expect(error?.code == .denied)
        #expect(error?.diagnostics.first?.notes.count == 5)
    }

    @Test func renewsAtHalfLifeAndOutlivesAFailingRenewal() async throws {
        let transport = script([
            .json(Self.token("one")), .json(#"{"__type":"AccessDeniedException"}"#, status: 400),
            .json(Self.token("two", expiresAt: "1767380000")),
        ])
        let world = world(transport)
        let resolver = world.resolver()
        func password() async throws -> Credential {
            try await resolver.credential(for: Self.host, repository: "a", purpose: .push).credential
        }
        #expect(try await password() == .basic(user: "AWS", password: Secret("one")))
        world.clock.advance(seconds: 21_599)
        #expect(try await password() == .basic(user: "AWS", password: Secret("one")))
        #expect(transport.requests.count == 1)
        world.clock.advance(seconds: 2)
        #expect(try await password() == .basic(user: "AWS", password: Secret("one")))
        #expect(
            world.events.warnings.first?.message.contains("could not be renewed and is used until 2026-01-02T15:04:05Z")
                == true
        )
        #expect(try await password() == .basic(user: "AWS", password: Secret("two")))
    }

    @Test func asksOnceForAllRepositoriesAndAccountsOfARegion() async throws {
        let transport = script([.json(Self.token("p"))])
        let resolver = world(transport).resolver()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<8 {
                let host =
                    index.isMultiple(of: 2) ? Self.host : Self.host.replacing("123456789012", with: "999999999999")
                group.addTask { _ = try await resolver.credential(for: host, repository: "r\(index)", purpose: .push) }
            }
            try await group.waitForAll()
        }
        #expect(transport.requests.count == 1)
        _ = try await resolver.credential(
            for: Self.host.replacing("eu-west-1", with: "eu-west-2"),
            repository: "a",
            purpose: .push
        )
        #expect(transport.requests.count == 2)
    }

    @Test(arguments: [
        "InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired",
        "com.amazonaws.x#InvalidSignatureException:http://x",
    ])
    func correctsTheClockOnce(_ code: String) async throws {
        let skewed = CredentialReply.json(
            #"{"__type":"\#(code)","message":"Signature not yet current"}"#,
            status: 400,
            headers: [("Date", "Fri, 02 Jan 2026 04:04:05 GMT")]
        )
        let transport = script([skewed, .json(Self.token("p"))])
        let world = world(transport)
        _ = try await world.resolver().credential(for: Self.host, repository: "a", purpose: .push)
        #expect(
            transport.requests.map { $0.headers.value(of: "x-amz-date") } == ["20260102T030405Z", "20260102T040405Z"]
        )
        #expect(world.events.warnings.first?.message.contains("the local clock is 3600 s behind") == true)

        let stubborn = script([skewed])
        let error = await failure(self.world(stubborn))
        #expect(stubborn.requests.count == 2)
        #expect(error?.description.contains("signature rejected") == true)
        #expect(error?.everything.contains("synchronise the clock") == true)
    }

    @Test func aRightClockIsNotCorrected() async {
        let refused = CredentialReply.json(
            #"{"__type":"InvalidSignatureException"}"#,
            status: 400,
            headers: [("Date", "Fri, 02 Jan 2026 03:05:05 GMT")]
        )
        let transport = script([refused])
        #expect(await failure(world(transport))?.code == .denied)
        #expect(transport.requests.count == 1)
    }

    @Test(arguments: [
        CredentialReply.json(#"{"__type":"ThrottlingException"}"#, status: 400),
        .json(#"{"__type":"ServerException"}"#, status: 400), CredentialReply(status: 503),
    ])
    func triesAgainAfterThrottling(_ reply: CredentialReply) async throws {
        let transport = script([reply, reply, .json(Self.token("p"))])
        _ = try await world(transport).resolver().credential(for: Self.host, repository: "a", purpose: .push)
        #expect(transport.requests.count == 3)
        let endless = script([reply])
        #expect(await failure(world(endless))?.code == .network)
        #expect(endless.requests.count == 4)
    }

    @Test(arguments: [
        ("AccessDeniedException", "access denied", "allow ecr:GetAuthorizationToken on *"),
        ("UnrecognizedClientException", "AWS does not know the access key", "check AWS_PROFILE"),
        ("ExpiredTokenException", "the AWS session expired", "aws sso login"),
        ("BlockedByOrganizationPolicyException", "blocked by the organisation's policy", "administrators"),
    ])
    func explainsRefusals(code: String, cause: String, hint: String) async {
        let reply = CredentialReply.json(
            #"{"Message":"User: arn:aws:iam::1:user/x is not\u001b[1m authorized"}"#,
            status: 400,
            headers: [("X-Amzn-ErrorType", code)]
        )
        let error = await failure(world(script([reply])))
        #expect(error?.description == "Amazon ECR refused GetAuthorizationToken for \(Self.host): \(cause)")
        #expect(error?.everything.contains("AWS: \"User: arn:aws:iam::1:user/x is not [1m authorized\"") == true)
        #expect(error?.everything.contains("AWS access key …ABCD from environment variables") == true)
        #expect(error?.everything.contains(hint) == true)
    }

    @Test(arguments: [
        "", "{}", #"{"authorizationData":[]}"#, #"{"authorizationData":[{"authorizationToken":"%%","expiresAt":1}]}"#,
    ])
    func refusesOtherReplies(_ body: String) async {
        #expect(await failure(world(script([.json(body)])))?.description.contains("not what its API documents") == true)
    }

    @Test func triesTheOtherFIPSNameWhenTheFirstIsUnknown() async throws {
        let transport = ScriptedTransport { (request) throws(CredentialTransportError) in
            guard request.url.contains("api.ecr-fips") else {
                throw CredentialTransportError(.unresolved, "no such host")
            }
            return .json(Self.token("p"))
        }
        let host = Self.host.replacing("dkr.ecr.", with: "dkr.ecr-fips.")
        _ = try await world(transport).resolver().credential(for: host, repository: "a", purpose: .push)
        #expect(
            transport.requests.map(\.url) == [
                "https://ecr-fips.eu-west-1.amazonaws.com/", "https://api.ecr-fips.eu-west-1.amazonaws.com/",
            ]
        )
    }

    @Test(arguments: [
        (["AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:5/", "AWS_ENDPOINT_URL": "https://x"], "http://127.0.0.1:5/"),
        (["AWS_ENDPOINT_URL": "https://vpce.example"], "https://vpce.example/"),
        (
            ["AWS_ENDPOINT_URL": "https://x", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"],
            "https://api.ecr.eu-west-1.amazonaws.com/"
        ),
        (["AWS_USE_FIPS_ENDPOINT": "true"], "https://ecr-fips.eu-west-1.amazonaws.com/"),
        (["AWS_USE_DUALSTACK_ENDPOINT": "true"], "https://ecr.eu-west-1.api.aws/"),
    ])
    func honoursEndpointSettings(variables: [String: String], url: String) async throws {
        let transport = script([.json(Self.token("p"))])
        let world = world(transport, Self.keys.merging(variables) { $1 })
        _ = try await world.resolver().credential(for: Self.host, repository: "a", purpose: .push)
        #expect(transport.requests.map(\.url) == [url])
    }

    @Test func endsWithTheSession() async throws {
        let transport = ScriptedTransport { (request) throws(CredentialTransportError) in
            request.url.contains("sts") ? stsReply("AssumeRoleWithWebIdentity") : .json(Self.token("p"))
        }
        let world = world(transport, ["AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:r"])
        world.files["/t"] = "jwt"
        let resolver = world.resolver()
        for _ in 0..<2 {
            _ = try await resolver.credential(for: Self.host, repository: "a", purpose: .push)
            world.clock.advance(seconds: 1801)
        }
        #expect(
            transport.requests.filter { $0.url.contains("ecr") }.count == 2,
            "half of the session's hour, not of twelve"
        )
    }

    @Test func takesTheHelpersPlaceWhenItIsMissing() async throws {
        let world = world(script([.json(Self.token("p"))]))
        world.files["/home/u/.docker/config.json"] = #"{"credHelpers":{"\#(Self.host)":"ecr-login"}}"#
        let found = try await world.resolver().credential(for: Self.host, repository: "a", purpose: .push)
        #expect(found.origin == .ecr)
        #expect(world.events.warnings.isEmpty)
    }

    @Test func replacesAnExpiredStoredPassword() async throws {
        let world = world(script([.json(Self.token("fresh"))]))
        world.files["/home/u/.docker/config.json"] = #"{"auths":{"\#(Self.host)":{"auth":"\#(base64("AWS:stale"))"}}}"#
        let resolver = world.resolver()
        let stale = try await resolver.credential(for: Self.host, repository: "a", purpose: .push)
        #expect(stale.origin == .file)
        let fresh = try await resolver.alternative(to: stale, for: Self.host)
        #expect(fresh?.credential == .basic(user: "AWS", password: Secret("fresh")))
        #expect(world.events.notes.first?.contains("has expired") == true)
        #expect(try await resolver.alternative(to: stale, for: "h.io") == nil)
        let helped = ResolvedCredential(stale.credential, source: "a helper", origin: .hostHelper)
        #expect(try await resolver.alternative(to: helped, for: Self.host) == nil)
    }

    // MARK: Repositories

    private func create(
        _ path: String,
        _ world: World,
        _ options: ECRRepositoryOptions = .init(),
        at host: String = host
    ) async throws(BuildError) -> Bool {
        guard let registry = ECRRegistry(host: host) else { return false }
        return try await world.resolver().ecr.createRepository(path, at: registry, options)
    }

    @Test func createsARepository() async throws {
        let transport = script([.json(#"{"repository":{}}"#)])
        let options = ECRRepositoryOptions(isImmutable: true, kmsKey: "k", tags: ["b": "2", "a": "1"])
        #expect(try await create("team/app", world(transport), options))
        #expect(
            transport.requests.first?.text
                == #"""
                {"repositoryName":"team/app","imageTagMutability":"IMMUTABLE",
                "imageScanningConfiguration":{"scanOnPush":false},"registryId":"123456789012",
                "encryptionConfiguration":{"encryptionType":"KMS","kmsKey":"k"},
                "tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}]}
                """#
                .replacing("\n", with: "")
        )
        let open = script([.json("{}")])
        #expect(try await create("alias/team/app", world(open), at: "public.ecr.aws"))
        #expect(open.requests.first?.text == #"{"repositoryName":"team/app"}"#)
    }

    @Test func anExistingRepositoryIsFine() async throws {
        let transport = script([.json(#"{"__type":"RepositoryAlreadyExistsException"}"#, status: 400)])
        #expect(try await create("team/app", world(transport)) == false)
    }

    @Test(arguments: [
        "a", "1app", "Upper", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", String(repeating: "a", count: 257),
    ])
    func refusesNamesBeforeAsking(_ name: String) async {
        let transport = script([.json("{}")])
        let world = world(transport)
        let error = await buildError { () throws(BuildError) in try await create(name, world) }
        #expect(error?.code == .usage)
        #expect(transport.requests.isEmpty)
    }

    @Test func anotherAccountIsNamed() async {
        let world = world(script([.json(#"{"__type":"AccessDeniedException","message":"no"}"#, status: 400)]))
        let error = await buildError { () throws(BuildError) in try await create("team/app", world) }
        #expect(error?.everything.contains("the host names account 123456789012") == true)
    }
}
