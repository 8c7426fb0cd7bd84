import ImgOCI
import ImgReport
import Testing

@testable import ImgCredentials

@Suite struct AWSSSOTests {
    private static let cache = "/home/u/.aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json"
    private static let role = #"""
        {"roleCredentials":{"accessKeyId":"ASIASSO","secretAccessKey":"s","sessionToken":"t","expiration":1767326645000}}
        """#

    private func world(token: String?, _ transport: any CredentialTransport) -> World {
        var world = World()
        world.transport = transport
        world.variables = ["AWS_PROFILE": "dev"]
        world.files["/home/u/.aws/config"] = """
            [profile dev]
            sso_session = my-sso
            sso_account_id = 123456789012
            sso_role_name = Dev Role
            [sso-session my-sso]
            sso_start_url = https://x.awsapps.com/start
            sso_region = eu-west-2
            """
        world.files[Self.cache] = token
        return world
    }

    @Test func presentsTheCachedToken() async throws {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in .json(Self.role) }
        let world = world(token: #"{"accessToken":"tok","expiresAt":"2026-01-02T04:00:00Z"}"#, transport)
        let found = try await world.credentials()
        #expect(found.accessKeyID == "ASIASSO")
        #expect(found.expiration == Timestamp(rfc3339: "2026-01-02T04:04:05Z"), "the portal counts in milliseconds")
        let request = try #require(transport.requests.first)
        #expect(
            request.url == "https://portal.sso.eu-west-2.amazonaws.com/federation/credentials"
                + "?account_id=123456789012&role_name=Dev%20Role"
        )
        #expect(request.headers == [CredentialHeader("x-amz-sso_bearer_token", "tok")])
    }

    @Test func renewsATokenAndSavesIt() async throws {
        let transport = ScriptedTransport { (request) throws(CredentialTransportError) in
            request.method == "POST"
                ? .json(#"{"accessToken":"new","expiresIn":3600,"refreshToken":"r2"}"#) : .json(Self.role)
        }
        let old = #"""
            {"startUrl":"https://x","accessToken":"old","expiresAt":"2026-01-02T03:08:00Z","refreshToken":"r1",
             "clientId":"c","clientSecret":"cs","registrationExpiresAt":"2026-03-01T00:00:00Z"}
            """#
        let world = world(token: old, transport)
        _ = try await world.credentials()
        #expect(transport.requests.map(\.url).first == "https://oidc.eu-west-2.amazonaws.com/token")
        #expect(
            transport.requests.first?.text
                == #"{"clientId":"c","clientSecret":"cs","grantType":"refresh_token","refreshToken":"r1"}"#
        )
        #expect(transport.requests.last?.headers.value(of: "x-amz-sso_bearer_token") == "new")
        let saved = try JSON.parse(Array(try #require(world.files[Self.cache]).utf8))
        #expect(saved["accessToken"]?.stringValue == "new")
        #expect(saved["refreshToken"]?.stringValue == "r2")
        #expect(saved["expiresAt"]?.stringValue == "2026-01-02T04:04:05Z")
        #expect(saved["startUrl"]?.stringValue == "https://x", "what is not ours stays")
    }

    @Test func survivesALifeThatCannotBe() async throws {
        let transport = ScriptedTransport { (request) throws(CredentialTransportError) in
            request.method == "POST"
                ? .json(#"{"accessToken":"new","expiresIn":9223372036854775807}"#) : .json(Self.role)
        }
        let old = #"""
            {"accessToken":"old","expiresAt":"2026-01-02T03:08:00Z","refreshToken":"r1","clientId":"c","clientSecret":"s"}
            """#
        let world = world(token: old, transport)
        _ = try await world.credentials()
        #expect(transport.requests.last?.headers.value(of: "x-amz-sso_bearer_token") == "new")
        let saved = try JSON.parse(Array(try #require(world.files[Self.cache]).utf8))
        #expect(saved["expiresAt"]?.stringValue == "2026-01-02T03:04:05Z", "asked for again the next time")
    }

    @Test(arguments: [
        nil, "{}", #"{"accessToken":"t","expiresAt":"2026-01-02T03:00:00Z"}"#,
        #"{"accessToken":"t","expiresAt":"2026-01-02T03:00:00Z","refreshToken":"r","clientId":"c","clientSecret":"s"}"#,
        #"{"accessToken":"a\nb","expiresAt":"2026-01-02T09:00:00Z"}"#,
    ])
    func sendsPeopleToLogIn(_ token: String?) async {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in
            .json(#"{"error":"invalid_grant"}"#, status: 400)
        }
        let error = await world(token: token, transport).failure()
        #expect(error?.code == .denied)
        #expect(error?.diagnostics.first?.hints == ["run `aws sso login --profile dev`"])
        #expect(transport.requests.allSatisfy { $0.method == "POST" })
    }

    @Test func aRefusedTokenAlsoSendsPeopleToLogIn() async {
        let transport = ScriptedTransport { (_) throws(CredentialTransportError) in
            .json(#"{"message":"Session token not found or invalid"}"#, status: 401)
        }
        let token = #"{"accessToken":"tok","expiresAt":"2026-01-02T04:00:00Z"}"#
        let error = await world(token: token, transport).failure()
        #expect(error?.diagnostics.first?.hints == ["run `aws sso login --profile dev`"])
    }
}
