import Glibc
import ImgCredentials
import ImgReport
import ImgTestKit
import Synchronization
import Testing

@testable import ImgRegistry

/// How a host is reached, and what is said when it isn't (2.1, section 20).
@Suite(.timeLimit(.minutes(1))) struct ConnectionTests {
    /// A peer that breaks off each TLS handshake, and would take whatever comes in clear text.
    private final class HandshakeBreaker: Sendable {
        let port: Int
        private let listener: Int32
        private let clearText = Atomic<Int>(0)

        init() throws {
            (listener, port) = try ServerSocket.listen()
            ServerSocket.accept(on: listener) { [weak self] client in
                var buffer = [UInt8](repeating: 0, count: 4096)
                if unsafe recv(client, &buffer, buffer.count, 0) > 0, buffer[0] != 0x16 {
                    self?.clearText.add(1, ordering: .relaxed)
                }
                close(client)
                return true
            }
        }

        deinit { shutdown(listener, Int32(SHUT_RDWR)) }

        var clearTextRequests: Int { clearText.load(ordering: .relaxed) }
    }

    /// SCH-3: only a peer that speaks clear text gets any.
    @Test(arguments: [false, true]) func brokenHandshakeDoesNotLeadToClearText(_ isDeclared: Bool) async throws {
        let peer = try HandshakeBreaker()
        let host = "127.0.0.1:\(peer.port)"
        var hosts = HostSettings.bare()
        if isDeclared { hosts.insecureHosts = [host] }
        let test = TestClient(credentials: [host: .basic(user: "me", password: Secret("pw"))], hosts: hosts)
        let error = try await failure { _ = try await test.pull(host).resolve(.tag("v1")) }
        #expect(error.code == .network)
        #expect(error.reason.hasPrefix("TLS handshake with \(host) failed"), "\(error)")
        #expect(error.hints == ["if \(host) speaks plain HTTP only: server = \"http://\(host)\" in its hosts.toml"])
        #expect(peer.clearTextRequests == 0)
    }

    @Test func saysOnceThatNothingListens() async throws {
        let host = "127.0.0.1:\(try ServerSocket.freePort())"
        let error = try await failure { _ = try await TestClient().pull(host).resolve(.tag("v1")) }
        let place = "cannot read tag v1: \(host)/team/app"
        #expect(error.description == "\(place): cannot connect to \(host): Connection refused")
        #expect(error.buildError.diagnostics[0].hints == ["is a registry running at \(host)?"])
    }

    @Test func namesTheProxyThatFails() async throws {
        let proxy = "127.0.0.1:\(try ServerSocket.freePort())"
        let hosts = HostSettings.bare(environment: ["HTTPS_PROXY": "http://user:geheim@\(proxy)"])
        let error = try await failure { _ = try await TestClient(hosts: hosts).pull("registry.example").tags() }
        #expect(error.reason == "proxy \(proxy) failed for registry.example:443: Connection refused")
        let hints = error.buildError.diagnostics[0].hints
        #expect(hints == ["check address and credentials in HTTPS_PROXY, or add registry.example to NO_PROXY"])
    }

    // MARK: Which registry it is

    @Test(arguments: [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com", RegistryQuirks.Product.ecr, "us-east-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", .ecr, "us-gov-west-1"),
        ("123456789012.dkr-ecr.eu-west-2.on.aws", .ecr, "eu-west-2"),
        ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", .ecr, "eusc-de-east-1"),
        ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", .ecr, "us-iso-east-1"),
        ("public.ecr.aws", .ecrPublic, "us-east-1"),
        ("ec2-1-2-3-4.compute-1.amazonaws.com:5000", .unknown, ""), ("x.us-east-1.elb.amazonaws.com", .unknown, ""),
        ("api.ecr.us-east-1.amazonaws.com", .unknown, ""), ("docker.io", .dockerHub, ""),
    ])
    func knowsAmazonsRegistries(_ host: String, _ product: RegistryQuirks.Product, _ region: String) {
        #expect(RegistryQuirks.of(host: host).product == product)
        let error = RegistryError(
            .repositoryUnknown,
            host: host,
            repository: "team/app",
            operation: "push tag v1",
            reason: "the repository does not exist"
        )
        let hint = error.buildError.diagnostics[0].hints[0]
        guard !region.isEmpty else { return #expect(!hint.contains("aws")) }
        let isPublic = product == .ecrPublic
        #expect(
            hint == "create it with --create-repository, or: aws ecr\(isPublic ? "-public" : "") create-repository "
                + "--repository-name \(isPublic ? "app" : "team/app") --region \(region)"
        )
    }
}
