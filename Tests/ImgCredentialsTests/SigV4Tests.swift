import ImgOCI
import Testing

@testable import ImgCredentials

@Suite struct SigV4Tests {
    private static func credentials(_ token: String? = nil) -> AWSCredentials {
        AWSCredentials(
            accessKeyID: "AKIDEXAMPLE",
            secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            sessionToken: token.map(Secret.init),
            source: "a test"
        )
    }

    private func ecrSteps(token: String?) throws -> SigV4Signer.Steps {
        let request = CredentialRequest(
            "POST",
            "https://api.ecr.us-east-1.amazonaws.com/",
            headers: [
                CredentialHeader("Content-Type", "application/x-amz-json-1.1"),
                CredentialHeader("Content-Length", "2"),
                CredentialHeader("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"),
            ],
            body: Array("{}".utf8)
        )
        let signer = SigV4Signer(credentials: Self.credentials(token), region: "us-east-1", service: "ecr")
        var signed = signer.signed(request, at: try #require(Timestamp(rfc3339: "2026-01-02T03:04:05Z")))
        let url = try #require(AWSURL(request.url))
        signed.headers.removeAll { $0.name == "Authorization" }
        return signer.steps(for: signed, url: url, stamp: "20260102T030405Z")
    }

    @Test func signsWithPlainKeys() throws {
        let steps = try ecrSteps(token: nil)
        #expect(steps.canonicalRequest.hasSuffix("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"))
        #expect(
            Hex.encode(Hashing.sha256(Array(steps.canonicalRequest.utf8)))
                == "45a2b4e00609c783628a7580e30f63ef9ffdb64295d4b32ebdd164545c0f1b4c"
        )
        #expect(
            Hex.encode(steps.signingKey) == "1818e350307061e8ec1c1a323e72141333181b40d25eabed22a1ccb4036fcd95"
        )
        #expect(steps.signedHeaders == "content-length;content-type;host;x-amz-date;x-amz-target")
        #expect(steps.signature == "5339abfd0aded45230d344a83fe2d1cb0b139a35e0c074ba7e2848b0eda615da")
    }

    @Test func signsWithASessionToken() throws {
        let steps = try ecrSteps(token: "TOKENEXAMPLE")
        #expect(
            Hex.encode(Hashing.sha256(Array(steps.canonicalRequest.utf8)))
                == "8e2571ef79ca308abb55e8356a4928467e7b94f3113f06943b1c8e73247cd488"
        )
        #expect(steps.signedHeaders == "content-length;content-type;host;x-amz-date;x-amz-security-token;x-amz-target")
        #expect(steps.signature == "36cd0a2a57a7a2946905227d4771a02474568b787b5aa7cfaa9d5f822aff655e")
    }

    struct Vector: Sendable {
        var method = "GET"
        var url: String
        var headers: [CredentialHeader] = []
        var body = ""
        var time = "2015-08-30T12:36:00Z"
        var region = "us-east-1"
        var service = "service"
        var signature: String
    }

    /// The published test suite's cases, and requests signed by botocore 1.43.11.
    @Test(arguments: [
        Vector(
            url: "https://example.amazonaws.com/",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
        Vector(
            url: "https://example.amazonaws.com/?Param2=value2&Param1=value1",
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        ),
        Vector(
            method: "POST",
            url: "https://example.amazonaws.com",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        ),
        Vector(
            method: "POST",
            url: "https://example.amazonaws.com/",
            headers: [CredentialHeader("Content-Type", "application/x-www-form-urlencoded")],
            body: "Param1=value1",
            signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
        ),
        Vector(
            url: "https://example.amazonaws.com/example%20space/",
            signature: "446b817944c553435b35e813c261ff4e161fff982d1bacdef1c87f6785dd1662"
        ),
        Vector(
            url: "https://example.amazonaws.com/%E1%88%B4",
            signature: "697b34846207a3f72246f99d74ae1ee4fe54f44bb06730c58a0d339eb079596d"
        ),
        Vector(
            method: "POST",
            url: "https://sts.eu-west-1.amazonaws.com/",
            headers: [
                CredentialHeader("Content-Type", "application/x-www-form-urlencoded;  charset=utf-8 "),
                CredentialHeader("Content-Length", "43"), CredentialHeader("User-Agent", "unsigned"),
            ],
            body: "Action=GetCallerIdentity&Version=2011-06-15",
            time: "2026-01-02T03:04:05Z",
            region: "eu-west-1",
            service: "sts",
            signature: "4ad6be1636ed526219b2002a860b9cdc3cc739d1b4e4685da8c466739bd72e56"
        ),
        Vector(
            method: "POST",
            url: "http://127.0.0.1:5555/",
            headers: [
                CredentialHeader("Content-Type", "application/x-amz-json-1.1"), CredentialHeader("Content-Length", "2"),
            ],
            body: "{}",
            time: "2026-01-02T03:04:05Z",
            service: "ecr",
            signature: "290d37b4053115f006930bf1690b397daa74e4e6e8ca404adf72b07244f144f7"
        ),
    ])
    func agreesWithOthers(_ vector: Vector) throws {
        let request = CredentialRequest(
            vector.method,
            vector.url,
            headers: vector.headers,
            body: Array(vector.body.utf8)
        )
        let signer = SigV4Signer(credentials: Self.credentials(), region: vector.region, service: vector.service)
        let signed = signer.signed(request, at: try #require(Timestamp(rfc3339: vector.time)))
        let value = try #require(signed.headers.value(of: "authorization"))
        #expect(value.hasSuffix("Signature=\(vector.signature)"))
        #expect(value.hasPrefix("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\(vector.time.prefix(4))"))
    }

    @Test(arguments: [
        ("https://Host.Example:443/p?q=1", "host.example"), ("https://h:8443", "h:8443"), ("http://h:80/", "h"),
        ("http://[fd00:ec2::23]:80/x", "[fd00:ec2::23]"), ("http://[::1]:81/x", "[::1]:81"),
    ])
    func namesTheHost(url: String, expected: String) {
        #expect(AWSURL(url)?.hostHeader == expected)
    }

    @Test(arguments: ["", "h.io", "ftp://h", "https://", "https://u@h/", "https://h:x/", "https://h /", "https://h/\n"])
    func refusesOtherURLs(_ url: String) {
        #expect(AWSURL(url) == nil)
    }

    @Test(arguments: [
        ("http://127.0.0.1/", true), ("http://127.9.9.9:1/", true), ("http://localhost/", true),
        ("http://[::1]/", true),
        ("http://127.0.0.1.evil.example/", false), ("http://localhost.evil.example/", false),
        ("http://10.0.0.1/", false),
    ])
    func knowsLoopback(url: String, expected: Bool) {
        #expect(AWSURL(url)?.isLoopback == expected)
    }

    @Test func hashesAsOthersDo() {
        #expect(Hashing.sha1(Array("my-sso".utf8)).map { Hex.encode($0) } == "0ad374308c5a4e22f723adf10145eafad7c4031c")
    }
}
