import ImgOCI
import ImgReport
import ImgTestKit
import Synchronization
import Testing

@testable import ImgCredentials

@Suite struct AWSChainTests {
    private static let config = "/home/u/.aws/config"
    private static let keys = ["AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env-secret"]

    @Test func environmentKeysWinOverTheProfile() async throws {
        var world = World()
        world.variables = Self.keys.merging(["AWS_SESSION_TOKEN": "st", "AWS_PROFILE": "dev"]) { $1 }
        world.files[Self.config] = "[profile dev]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\n"
        let found = try await world.credentials()
        #expect(found.accessKeyID == "AKIAENV")
        #expect(found.sessionToken == Secret("st"))
        #expect(world.events.transcript.contains("win over AWS_PROFILE=dev"))
        #expect(try await world.credentials(profile: "dev").accessKeyID == "AKIAFILE", "an option wins over both")
    }

    @Test(arguments: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    func halfAPairIsAnError(_ name: String) async {
        var world = World()
        world.variables = [name: "x"]
        let error = await world.failure()
        #expect(error?.code == .denied)
        #expect(error?.description.contains("\(name) is set without") == true)
    }

    @Test func anUnknownProfileListsTheKnownOnes() async {
        var world = World()
        world.variables = ["AWS_PROFILE": "prd"]
        world.files[Self.config] = "[profile prod]\nregion = x\n[profile dev]\nregion = x\n"
        let error = await world.failure()
        #expect(error?.description.contains("no AWS profile prd (did you mean prod?)") == true)
        #expect(error?.everything.contains("known profiles: dev, prod") == true)
    }

    @Test func everySourceSaysWhyItWasPassedOver() async {
        let error = await World().failure()
        #expect(error?.code == .denied)
        #expect(
            error?.diagnostics.first?.notes == [
                "environment: AWS_ACCESS_KEY_ID is not set", "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set",
                "profile: no profile `default` in /home/u/.aws/config or /home/u/.aws/credentials",
                "container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set",
                "EC2 instance: no metadata service: connection refused",
            ]
        )
    }

    @Test func assumesARoleThroughASourceProfile() async throws {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in stsReply("AssumeRole") }
        var world = World()
        world.transport = transport
        world.variables = ["AWS_PROFILE": "prod", "AWS_CA_BUNDLE": "~/ca.pem"]
        world.files[Self.config] = """
            [profile prod]
            role_arn = arn:aws:iam::1:role/deploy
            source_profile = base
            external_id = e&1
            role_session_name = me
            duration_seconds = 900
            region = eu-central-1
            """
        world.files["/home/u/.aws/credentials"] = "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n"
        let found = try await world.credentials()
        #expect(found.accessKeyID == "ASIAROLE")
        #expect(found.sessionToken == Secret("role-token"))
        #expect(found.expiration == Timestamp(rfc3339: "2026-01-02T04:04:05Z"))
        #expect(found.source == "profile prod, role arn:aws:iam::1:role/deploy")
        let request = try #require(transport.requests.first)
        #expect(request.url == "https://sts.eu-central-1.amazonaws.com/")
        #expect(request.caBundlePath == "/home/u/ca.pem")
        #expect(
            request.text == "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fdeploy"
                + "&RoleSessionName=me&ExternalId=e%261&DurationSeconds=900"
        )
        let authorization = try #require(request.headers.value(of: "authorization"))
        #expect(authorization.contains("Credential=AKIABASE/20260102/eu-central-1/sts/aws4_request"))
    }

    @Test(arguments: [
        ("legacy", "eu-west-1", "https://sts.amazonaws.com/"),
        ("regional", "us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/"),
        ("legacy", "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/"),
    ])
    func choosesTheTokenService(mode: String, region: String, url: String) async throws {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in
            stsReply("AssumeRoleWithWebIdentity")
        }
        var world = World()
        world.transport = transport
        world.variables = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:r", "AWS_REGION": region,
            "AWS_STS_REGIONAL_ENDPOINTS": mode,
        ]
        world.files["/t"] = "jwt\n"
        _ = try await world.credentials()
        #expect(transport.requests.map(\.url) == [url])
    }

    @Test func webIdentityIsUnsignedAndReadsTheFileEveryTime() async throws {
        let answers = Mutex([stsError("IDPCommunicationError"), stsError("InvalidIdentityToken")])
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in
            answers.withLock { $0.isEmpty ? nil : $0.removeFirst() } ?? stsReply("AssumeRoleWithWebIdentity")
        }
        var world = World()
        world.transport = transport
        world.variables = ["AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:r"]
        world.files["/t"] = "jwt1\n"
        let chain = world.chain()
        let found = try await chain.credentials(fallbackRegion: "ap-south-1")
        #expect(found.accessKeyID == "ASIAROLE")
        #expect(transport.requests.count == 3, "keys of the identity provider may spread late")
        let request = try #require(transport.requests.last)
        #expect(request.url == "https://sts.ap-south-1.amazonaws.com/", "the registry's region for want of another")
        #expect(request.headers.value(of: "authorization") == nil)
        #expect(
            request.text.hasSuffix(
                "&RoleArn=arn%3Ar&RoleSessionName=imgbuild-1767323045000000000&WebIdentityToken=jwt1"
            )
        )
        world.files["/t"] = "jwt2"
        world.clock.advance(seconds: 3301)
        _ = try await chain.credentials(fallbackRegion: "ap-south-1")
        #expect(transport.requests.last?.text.hasSuffix("jwt2") == true)
    }

    @Test func keepsKeysUntilShortlyBeforeTheirEnd() async throws {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in
            stsReply("AssumeRoleWithWebIdentity")
        }
        var world = World()
        world.transport = transport
        world.variables = ["AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:r"]
        world.files["/t"] = "jwt"
        let chain = world.chain()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 { group.addTask { _ = try await chain.credentials(fallbackRegion: "eu-west-1") } }
            try await group.waitForAll()
        }
        world.clock.advance(seconds: 3299)
        _ = try await chain.credentials(fallbackRegion: "eu-west-1")
        #expect(transport.requests.count == 1)
        world.clock.advance(seconds: 2)
        _ = try await chain.credentials(fallbackRegion: "eu-west-1")
        #expect(transport.requests.count == 2)
    }

    @Test func aRefusedRoleNamesRoleAndIdentity() async {
        var world = World()
        world.transport = ScriptedTransport { (_) throws(CredentialTransportError) in
            stsError("AccessDenied", status: 403)
        }
        world.files[Self.config] = """
            [default]
            role_arn = arn:r
            source_profile = default
            aws_access_key_id = AKIA1234ABCD
            aws_secret_access_key = hunter2
            """
        let error = await world.failure()
        #expect(error?.code == .denied)
        #expect(error?.description.contains("arn:r: AccessDenied (status 403): told so") == true)
        #expect(error?.everything.contains("AWS access key …ABCD from profile default") == true)
        #expect(error?.everything.contains("hunter2") == false)
        #expect(error?.everything.contains("AKIA1234") == false)
    }

    @Test(arguments: [
        (
            "[default]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = default",
            "in a circle"
        ),
        ("[default]\nrole_arn = r\nsource_profile = default", "in a circle"),
        ("[default]\nrole_arn = r\nsource_profile = gone", "no AWS profile gone (source_profile of default)"),
        ("[default]\nrole_arn = r", "nothing to take the role on with"),
        ("[default]\nrole_arn = r\ncredential_source = Moon", "unknown credential_source Moon"),
        (
            "[default]\nrole_arn = r\ncredential_source = Environment",
            "gives no credentials: AWS_ACCESS_KEY_ID is not set"
        ),
        ("[default]\naws_access_key_id = r", "holds only one of"),
        ("[default]\nlogin_session = r", "`aws login`"),
        ("[default]\nsso_start_url = u", "sso_region, sso_account_id and sso_role_name are all needed"),
        ("[default]\nsso_session = s", "no section [sso-session s]"),
    ])
    func explainsBrokenProfiles(config: String, expected: String) async {
        let world = World()
        world.files[Self.config] = config
        #expect(await world.failure()?.description.contains(expected) == true)
    }

    @Test func asksForTheMFACode() async throws {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in stsReply("AssumeRole") }
        var world = World()
        world.transport = transport
        world.variables = ["AWS_PROFILE": "m"]
        world.files[Self.config] = """
            [profile m]
            role_arn = r
            source_profile = m
            mfa_serial = arn:mfa
            aws_access_key_id = A
            aws_secret_access_key = s
            """
        #expect(await world.failure()?.everything.contains("session created beforehand") == true)
        _ = try await world.credentials { serial in
            #expect(serial == "arn:mfa")
            return "123456\n"
        }
        #expect(transport.requests.last?.text.hasSuffix("&SerialNumber=arn%3Amfa&TokenCode=123456") == true)
    }

    @Test func runsACredentialProcessThroughTheShell() async throws {
        let processes = ScriptedProcesses { (_) throws(CredentialProcessError) in
            CredentialCommandResult(
                status: 0,
                output: Array(
                    #"{"Version":1,"AccessKeyId":"AP","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-01-02T05:00:00Z"}"#
                        .utf8
                )
            )
        }
        var world = World()
        world.processes = processes
        world.files[Self.config] = "[default]\ncredential_process = tool --flag \"a b\"\n"
        let found = try await world.credentials()
        #expect(found.accessKeyID == "AP")
        #expect(found.sessionToken == Secret("t"))
        #expect(found.expiration == Timestamp(rfc3339: "2026-01-02T05:00:00Z"))
        #expect(processes.commands.first?.arguments == ["-c", #"tool --flag "a b""#])
        #expect(processes.commands.first?.timeLimit == .seconds(60))
    }

    @Test(arguments: [
        (CredentialCommandResult(status: 2, output: [], errorText: "no vault"), "exit status 2"),
        (CredentialCommandResult(status: 0, output: Array("x".utf8)), "not JSON"),
        (CredentialCommandResult(status: 0, output: Array(#"{"Version":2}"#.utf8)), "another version than 1"),
        (CredentialCommandResult(status: 0, output: Array(#"{"Version":1}"#.utf8)), "lacks AccessKeyId"),
        (
            CredentialCommandResult(
                status: 0,
                output: Array(
                    #"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"2025-01-01T00:00:00Z"}"#.utf8
                )
            ), "expired at 2025"
        ),
    ])
    func refusesBadProcessOutput(result: CredentialCommandResult, expected: String) async {
        var world = World()
        world.processes = ScriptedProcesses { (_) throws(CredentialProcessError) in result }
        world.files[Self.config] = "[default]\ncredential_process = tool\n"
        #expect(await world.failure()?.description.contains(expected) == true)
    }

    @Test(arguments: ["http://10.0.0.1", "http://example.com:1", "nonsense"])
    func refusesEndpointsByPlainHTTP(_ endpoint: String) async {
        var world = World()
        world.variables = [
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/t", "AWS_ROLE_ARN": "arn:r", "AWS_ENDPOINT_URL_STS": endpoint,
        ]
        world.files["/t"] = "jwt"
        #expect(await world.failure()?.code == .usage)
    }
}
