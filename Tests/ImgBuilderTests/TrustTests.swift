import ImgCredentials
import ImgHTTP
import ImgRegistry
import ImgReport
import ImgTasks
import ImgTestKit
import Testing

@testable import ImgBuilder

/// Servers that are no registries are trusted by the same roots.
@Suite("Trust in servers") struct TrustTests {
    private struct World: Sendable {
        let url: String
        let authority: String
        let directory: String

        func trust(_ authorities: [HostSettings.CertificateAuthority], _ variables: [String: String]) -> ServerTrust {
            var settings = HostSettings.bare(environment: variables)
            settings.certificateAuthorities = authorities
            return ServerTrust(settings: settings, pool: BlockingPool(threads: 1), events: SilentEvents())
        }

        /// Downloads as ADD does.
        func add(
            _ authorities: [HostSettings.CertificateAuthority] = [],
            _ variables: [String: String] = [:]
        ) async throws {
            let downloads = Downloads(
                http: HTTPClient(),
                trust: trust(authorities, variables),
                environment: [:],
                pool: BlockingPool(threads: 1),
                spoolDirectory: directory
            )
            _ = try await downloads.file(url, checksum: nil)
        }

        /// Asks as for credentials.
        func ask(_ bundle: String?, _ variables: [String: String] = [:]) async throws {
            let transport = HTTPCredentialTransport(http: HTTPClient(), trust: trust([], variables), environment: [:])
            let reply = try await transport.send(CredentialRequest("GET", url, caBundlePath: bundle))
            #expect(reply.status == 200)
        }
    }

    /// A server for any path, with a certificate that no system knows.
    private static func with(_ body: @Sendable @escaping (World) async throws -> Void) async throws {
        try await Scratch.with { scratch in
            let authority = try await TestAuthority(in: scratch)
            let pair = try await authority.issue("server", hosts: ["localhost"])
            let port = try ServerSocket.freePort()
            let arguments = ["s_server", "-accept", "\(port)", "-cert", pair.certificate, "-key", pair.key, "-www"]
            try await Server.with("openssl", arguments, port: port) {
                try await body(
                    World(
                        url: "https://localhost:\(port)/file",
                        authority: authority.certificate,
                        directory: scratch.path
                    )
                )
            }
        }
    }

    @Test func downloadsTrustWhatRegistriesAreTrustedBy() async throws {
        try await Self.with { world in
            await #expect(throws: HTTPError.self) { try await world.add() }
            try await world.add([], ["SSL_CERT_FILE": world.authority])
            try await world.add([.init(path: world.authority)])
            let host = String(world.url.dropFirst(8).prefix { $0 != "/" })
            try await world.add([.init(host: host, path: world.authority)])
            await #expect(throws: HTTPError.self) { try await world.add([.init(host: "other", path: world.authority)]) }
        }
    }

    @Test func credentialRequestsToo() async throws {
        try await Self.with { world in
            await #expect(throws: CredentialTransportError.self) { try await world.ask(nil) }
            try await world.ask(nil, ["SSL_CERT_FILE": world.authority])
            try await world.ask(world.authority)
            let error = await #expect(throws: CredentialTransportError.self) { try await world.ask("/no/such/file") }
            #expect(error?.code == .tls)
            #expect(error?.message.contains("/no/such/file") == true)
        }
    }

    /// `AWS_CA_BUNDLE` is added to the roots that there are (AWS-18).
    @Test func aBundleIsAdded() async throws {
        try await Scratch.with { scratch in
            let other = try await TestAuthority(in: scratch, name: "other")
            try await Self.with { world in
                try await world.ask(other.certificate, ["SSL_CERT_FILE": world.authority])
            }
        }
    }
}
