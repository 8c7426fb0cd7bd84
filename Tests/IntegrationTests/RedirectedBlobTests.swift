import ImgTestKit
import Testing

/// A registry whose blobs come from another host, as they do in every cloud.
@Suite struct RedirectedBlobTests {
    private static let password = "pull-me-not"

    /// The other host refuses whoever presents credentials, as signed addresses of S3 do.
    private static func with(
        redirect: String = "cdn.test",
        _ body: @Sendable @escaping (_ lab: Lab, _ front: TLSFront, _ authority: TestAuthority) async throws -> Void
    ) async throws {
        let accounts: @Sendable (Scratch) async throws -> String = {
            try await TestRegistry.accounts(in: $0, ["me": password])
        }
        try await Lab.with(bases: ["busybox"], account: "me:\(password)", configuration: accounts) { lab in
            let authority = try await TestAuthority(in: lab.scratch)
            let server = try await authority.issue("server", hosts: ["registry.test", "cdn.test"])
            let port = lab.registry.port
            let basic = Base64Text.encode(Array("me:\(password)".utf8))
            var options = TLSFront.Options()
            options.aliases = ["cdn.test"]
            options.server = """
                location ~ ^/v2/.*/blobs/sha256: {
                    if ($request_method = GET) { return 307 https://\(redirect)$request_uri; }
                    proxy_set_header Host $http_host;
                    proxy_set_header X-Forwarded-Proto $scheme;
                    proxy_pass http://127.0.0.1:\(port);
                }
                """
            options.blocks = { listen in
                """
                server {
                    \(listen)
                    server_name cdn.test;
                    if ($http_authorization) { return 400; }
                    location / {
                        proxy_set_header Authorization "Basic \(basic)";
                        proxy_pass http://127.0.0.1:\(port);
                    }
                }
                """
            }
            try lab.scratch.write("docker/config.json", "{\"auths\":{\"registry.test\":{\"auth\":\"\(basic)\"}}}")
            try await TLSFront.with(in: lab.scratch, to: port, server, options) { front in
                try await body(lab, front, authority)
            }
        }
    }

    @Test func credentialsStayBehind() async throws {
        try await Self.with { lab, front, authority in
            let image = "\(front.host)/base/busybox:1"
            let result = try await lab.imgbuild(
                ["copy", "-D", "--registry-ca", authority.certificate, image, lab.scratch["layout"]],
                environment: front.environment
            )
            #expect(result.status == 0, "\(result)")
            #expect(front.proxy.targets.contains("cdn.test:443"))
            #expect(!result.errors.contains(Self.password) && !result.errors.contains("Basic "), "\(result)")
        }
    }

    /// What is trusted for the registry is not trusted for whom it names (SCH-5), and the error is about the right one.
    @Test func trustIsNotPassedOn() async throws {
        try await Self.with { lab, front, authority in
            let image = "\(front.host)/base/busybox:1"
            let result = try await lab.imgbuild(
                ["copy", "--registry-ca", "registry.test=\(authority.certificate)", image, lab.scratch["layout"]],
                environment: front.environment
            )
            #expect(result.status == 5, "\(result)")
            #expect(result.errors.contains("the certificate of cdn.test is not trusted"), "\(result)")
            #expect(result.errors.contains("/etc/docker/certs.d/cdn.test/ca.crt"), "\(result)")
        }
    }

    /// A registry of the internet does not send a build machine to its own network (SEC-4).
    @Test func internalAddressesNeedLeave() async throws {
        try await Self.with(redirect: "127.0.0.1:1") { lab, front, authority in
            let copy = [
                "copy", "--registry-ca", authority.certificate, "\(front.host)/base/busybox:1", lab.scratch["layout"],
            ]
            let refused = try await lab.imgbuild(copy, environment: front.environment)
            #expect(refused.status == 5, "\(refused)")
            #expect(refused.errors.contains("was not followed: it leads to this machine"), "\(refused)")
            #expect(refused.errors.contains("--allow-redirect"), "\(refused)")
            let allowed = copy + ["--allow-redirect", "127.0.0.1", "--strict-ssrf", "--strict-realm"]
            let followed = try await lab.imgbuild(allowed, environment: front.environment)
            #expect(followed.status == 5, "\(followed)")
            #expect(followed.errors.contains("cannot connect to 127.0.0.1:1"), "\(followed)")
        }
    }
}
