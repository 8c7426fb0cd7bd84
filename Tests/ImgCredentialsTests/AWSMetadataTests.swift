import ImgOCI
import ImgReport
import ImgTestKit
import Synchronization
import Testing

@testable import ImgCredentials

/// The container endpoint and the metadata service of EC2.
@Suite struct AWSMetadataTests {
    private static let keys = #"""
        {"Code":"Success","AccessKeyId":"ASIAMETA","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-02T09:00:00Z"}
        """#

    private func container(_ variables: [String: String], _ transport: any CredentialTransport) -> World {
        var world = World()
        world.variables = variables
        world.transport = transport
        return world
    }

    @Test(arguments: [
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x", "http://169.254.170.2/v2/credentials/x"),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials",
            "http://169.254.170.23/v1/credentials"
        ),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[fd00:ec2::23]/v1/c", "http://[fd00:ec2::23]/v1/c"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost:8080/c", "http://localhost:8080/c"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://any.example/c", "https://any.example/c"),
    ])
    func asksTheContainerEndpoint(variable: String, value: String, url: String) async throws {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in .json(Self.keys) }
        let found = try await container([variable: value], transport).credentials()
        #expect(found.accessKeyID == "ASIAMETA")
        #expect(found.sessionToken == Secret("t"))
        #expect(transport.requests.map(\.url) == [url])
        #expect(transport.requests.first?.bypassesProxy == url.hasPrefix("http:"))
        #expect(transport.requests.first?.totalTimeout == .seconds(5))
    }

    @Test(arguments: [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.169.254/latest"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/c"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/c"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1.evil.example/c"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost@evil.example/c"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "file:///etc/passwd"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "no-slash"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/c"),
    ])
    func sendsNothingElsewhere(variable: String, value: String) async {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in .json(Self.keys) }
        let error = await container([variable: value], transport).failure()
        #expect(error?.code == .denied)
        #expect(transport.requests.isEmpty)
    }

    @Test func theTokenFileWinsAndIsReadEveryTime() async throws {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in .json(Self.keys) }
        let world = container(
            [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "variable", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/tok",
            ],
            transport
        )
        let chain = world.chain()
        for token in ["one\n", "two"] {
            world.files["/tok"] = token
            _ = try await chain.credentials(fallbackRegion: "eu-west-1")
            chain.forget()
        }
        #expect(transport.requests.map { $0.headers.value(of: "authorization") } == ["one", "two"])
    }

    @Test func refusesATokenThatBreaksTheHeader() async {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in .json(Self.keys) }
        let variables = [
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nX: y",
        ]
        #expect(await container(variables, transport).failure()?.code == .denied)
        #expect(transport.requests.isEmpty)
    }

    @Test func triesAContainerEndpointThreeTimesAndDoesNotGoOn() async {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in
            throw CredentialTransportError(.timeout, "timed out")
        }
        let error = await container(["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c"], transport).failure()
        #expect(error?.description == "the container credentials endpoint gave no credentials: timed out")
        #expect(transport.requests.count == 3)
    }

    // MARK: EC2

    /// A metadata service.
    private func service(token: Int = 200, role: String = "app\n", keys: String = keys) -> ScriptedTransport {
        ScriptedTransport { (request) throws(CredentialTransportError) in
            if request.method == "PUT" { return .json(token == 200 ? "imds-token" : "", status: token) }
            let wantsToken = token == 200
            guard (request.headers.value(of: "x-aws-ec2-metadata-token") == "imds-token") == wantsToken else {
                return CredentialReply(status: 401)
            }
            if request.url.hasSuffix("/security-credentials/") {
                return role.isEmpty ? CredentialReply(status: 404) : .json(role)
            }
            return request.url.hasSuffix("/app") ? .json(keys) : CredentialReply(status: 404)
        }
    }

    private func world(_ transport: any CredentialTransport, _ variables: [String: String] = [:]) -> World {
        container(variables, transport)
    }

    @Test func usesVersionTwo() async throws {
        let transport = service()
        let found = try await world(transport).credentials()
        #expect(found.source == "EC2 instance role app")
        #expect(
            transport.requests.map { "\($0.method) \($0.url)" } == [
                "PUT http://169.254.169.254/latest/api/token",
                "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/",
                "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/app",
            ]
        )
        #expect(transport.requests.first?.headers == [CredentialHeader("X-aws-ec2-metadata-token-ttl-seconds", "300")])
        #expect(transport.requests.allSatisfy { $0.bypassesProxy && $0.totalTimeout == .seconds(1) })
    }

    @Test(arguments: [403, 404, 405])
    func fallsBackToVersionOneUnlessForbidden(_ status: Int) async throws {
        #expect(try await world(service(token: status)).credentials().accessKeyID == "ASIAMETA")
        let strict = await world(service(token: status), ["AWS_EC2_METADATA_V1_DISABLED": "true"]).failure()
        #expect(strict?.everything.contains("offers version 1 only") == true)
    }

    @Test func aBadRequestIsFinal() async {
        let transport = service(token: 400)
        #expect(await world(transport).failure()?.description.contains("refused the request for a token (400)") == true)
        #expect(transport.requests.count == 1)
    }

    @Test(arguments: [
        ([:], "no metadata service: timed out"), (["KUBERNETES_SERVICE_HOST": "10.0.0.1"], "HttpPutResponseHopLimit"),
        (["AWS_EC2_METADATA_DISABLED": "TRUE"], "AWS_EC2_METADATA_DISABLED is true"),
    ])
    func saysWhyThereIsNoAnswer(variables: [String: String], expected: String) async {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in
            throw CredentialTransportError(.timeout, "timed out")
        }
        let error = await world(transport, variables).failure()
        #expect(error?.description == "no AWS credentials found")
        #expect(error?.everything.contains(expected) == true)
        #expect(transport.requests.count == (variables["AWS_EC2_METADATA_DISABLED"] == nil ? 2 : 0))
    }

    @Test func aMachineWithoutRoleIsPassedOver() async {
        #expect(await world(service(role: "")).failure()?.everything.contains("the instance has no role") == true)
        #expect(await world(service(role: "\n")).failure()?.everything.contains("the instance has no role") == true)
    }

    @Test func aFailedRoleIsAnError() async {
        let error = await world(service(keys: #"{"Code":"AssumeRoleUnauthorizedAccess"}"#)).failure()
        #expect(error?.description.contains("answered AssumeRoleUnauthorizedAccess for role app") == true)
    }

    @Test func usesAnExpiredRoleOnForAWhile() async throws {
        let world = world(service(keys: Self.keys.replacing("2026-01-02T09", with: "2026-01-02T01")))
        let found = try await world.credentials()
        #expect(found.expiration == Timestamp(rfc3339: "2026-01-02T03:14:05Z"))
        #expect(world.events.warnings.count == 1)
    }

    @Test(arguments: [
        (["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1338/"], "http://127.0.0.1:1338/latest/api/token"),
        (["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"], "http://[fd00:ec2::254]/latest/api/token"),
    ])
    func asksWhereToldTo(variables: [String: String], url: String) async throws {
        let transport = service()
        _ = try await world(transport, variables).credentials()
        #expect(transport.requests.first?.url == url)
    }

    @Test func aProfileMayNameItsSource() async throws {
        let transport = ScriptedTransport { (request) throws(CredentialTransportError) in
            request.url.contains("sts") ? stsReply("AssumeRole") : .json(Self.keys)
        }
        let world = world(transport, ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/c"])
        world.files["/home/u/.aws/config"] = "[default]\nrole_arn = r\ncredential_source = EcsContainer\n"
        #expect(try await world.credentials().accessKeyID == "ASIAROLE")
        #expect(transport.requests.last?.headers.value(of: "x-amz-security-token") == "t")
    }
}
