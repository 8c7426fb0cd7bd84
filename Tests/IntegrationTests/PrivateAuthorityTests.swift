import ImgTestKit
import Testing

/// docker-registry behind nginx, with a certificate of an authority that no system knows.
@Suite struct PrivateAuthorityTests {
    private struct World: Sendable {
        let lab: Lab
        let front: TLSFront
        let authority: TestAuthority

        /// Pulls a base and pushes an image, both by the name that nginx answers to.
        func push(
            _ arguments: [String] = [],
            environment: [String: String] = [:]
        ) async throws -> ProgramResult {
            let context = try lab.context(from: "\(front.host)/base/busybox:1")
            return try await lab.imgbuild(
                arguments + [
                    "--platform", "linux/amd64", "-t", "\(front.host)/team/app:1", "-t", "\(front.host)/other/app:1",
                    "--push", context,
                ],
                environment: front.environment.merging(environment) { $1 }
            )
        }

        /// Writes a file below the home directory.
        func copy(_ file: String, to name: String) async throws {
            let target = lab.scratch[name]
            try await Program.output("install", ["-D", "-m", "600", file, target])
        }
    }

    private static func with(
        clients: Bool = false,
        forwardsProtocol: Bool = true,
        _ body: @Sendable @escaping (World) async throws -> Void
    ) async throws {
        try await Lab.with(bases: ["busybox"]) { lab in
            let authority = try await TestAuthority(in: lab.scratch)
            let server = try await authority.issue("server", hosts: ["registry.test"])
            var options = TLSFront.Options()
            options.forwardsProtocol = forwardsProtocol
            if clients { options.clientAuthority = authority.certificate }
            try await TLSFront.with(in: lab.scratch, to: lab.registry.port, server, options) { front in
                try await body(World(lab: lab, front: front, authority: authority))
            }
        }
    }

    @Test func withoutItTheErrorNamesTheRemedies() async throws {
        try await Self.with { world in
            let result = try await world.push()
            #expect(result.status == 5, "\(result)")
            #expect(result.errors.contains("the certificate of registry.test is not trusted"), "\(result)")
            #expect(result.errors.contains("--registry-ca FILE"), "\(result)")
            #expect(result.errors.contains("/etc/docker/certs.d/registry.test/ca.crt"), "\(result)")
            #expect(result.errors.contains("--registry-insecure registry.test"), "\(result)")
        }
    }

    enum Way: CaseIterable, Sendable {
        case option
        case optionForTheHost
        case insecure
        case dockerDirectory
        case containerdServer
        case containerdHost
        case certificateFile
        case certificateDirectory
        case hashedCertificateDirectory
    }

    @Test(arguments: Way.allCases) func pullsAndPushes(_ way: Way) async throws {
        try await Self.with { world in
            var arguments: [String] = []
            var environment: [String: String] = [:]
            let authority = world.authority.certificate
            switch way {
            case .option: arguments = ["--registry-ca", authority]
            case .optionForTheHost: arguments = ["--registry-ca", "registry.test=\(authority)"]
            case .insecure: arguments = ["--registry-insecure", "registry.test"]
            case .dockerDirectory:
                try await world.copy(authority, to: ".config/docker/certs.d/registry.test/ca.crt")
            case .containerdServer:
                arguments = ["--registry-config-dir", world.lab.scratch["hosts"]]
                try await world.copy(authority, to: "hosts/registry.test/ca.pem")
                try world.lab.scratch.write(
                    "hosts/registry.test/hosts.toml",
                    "server = \"https://registry.test\"\nca = \"ca.pem\"\n"
                )
            case .containerdHost:
                arguments = ["--registry-config-dir", world.lab.scratch["hosts"]]
                try world.lab.scratch.write(
                    "hosts/registry.test/hosts.toml",
                    "server = \"https://registry.test\"\n\n[host.\"https://registry.test\"]\n  ca = \"\(authority)\"\n"
                )
            case .certificateFile: environment["SSL_CERT_FILE"] = authority
            case .certificateDirectory, .hashedCertificateDirectory:
                try await world.copy(authority, to: "certificates/authority.pem")
                let directory = world.lab.scratch["certificates"]
                if way == .hashedCertificateDirectory { try await Program.output("openssl", ["rehash", directory]) }
                environment["SSL_CERT_DIR"] = directory
            }
            let result = try await world.push(arguments, environment: environment)
            #expect(result.status == 0, "\(result)")
            #expect(result.errors.contains("mounted from base/busybox"), "\(result)")
            #expect(try await world.lab.exists("team/app:1"))
            #expect(try await world.lab.exists("other/app:1"))
            #expect(!result.errors.contains("http:// addresses"), "\(result)")
        }
    }

    /// Who trusts an authority for registries means other servers, too.
    @Test func filesAreAddedFromSuchAServer() async throws {
        try await Self.with { world in
            let text = "FROM scratch\nADD https://registry.test/v2/base/busybox/tags/list /tags\n"
            try world.lab.scratch.write("add/Dockerfile", text)
            let arguments = ["--output", "type=cacheonly", world.lab.scratch["add"]]
            let refused = try await world.lab.imgbuild(arguments, environment: world.front.environment)
            #expect(refused.status != 0, "\(refused)")
            let trusted = ["--registry-ca", "registry.test=\(world.authority.certificate)"] + arguments
            let added = try await world.lab.imgbuild(trusted, environment: world.front.environment)
            #expect(added.status == 0, "\(added)")
        }
    }

    /// A registry that doesn't know of the TLS in front of it calls itself http://.
    @Test func addressesThatLeaveTLSAreTakenBack() async throws {
        try await Self.with(forwardsProtocol: false) { world in
            let result = try await world.push(["--registry-ca", world.authority.certificate])
            #expect(result.status == 0, "\(result)")
            #expect(result.errors.contains("gives http:// addresses for itself"), "\(result)")
            #expect(result.errors.contains("X-Forwarded-Proto"), "\(result)")
        }
    }

    @Test(arguments: [false, true]) func clientCertificates(_ isContainerd: Bool) async throws {
        try await Self.with(clients: true) { world in
            let client = try await world.authority.issue("client")
            var arguments = ["--registry-ca", world.authority.certificate]
            if isContainerd {
                try world.lab.scratch.write(
                    "hosts/registry.test/hosts.toml",
                    "[host.\"https://registry.test\"]\n  client = [[\"\(client.certificate)\", \"\(client.key)\"]]\n"
                )
                arguments += ["--registry-config-dir", world.lab.scratch["hosts"]]
            } else {
                let directory = ".config/docker/certs.d/registry.test"
                try await world.copy(client.certificate, to: "\(directory)/client.cert")
                try await world.copy(client.key, to: "\(directory)/client.key")
            }
            let result = try await world.push(arguments)
            #expect(result.status == 0, "\(result)")
            #expect(try await world.lab.exists("team/app:1"))
        }
    }

    @Test func withoutAClientCertificateTheErrorSaysSo() async throws {
        try await Self.with(clients: true) { world in
            let result = try await world.push(["--registry-ca", world.authority.certificate])
            #expect(result.status == 5, "\(result)")
            #expect(result.errors.contains("registry.test wants a certificate of the client"), "\(result)")
            #expect(result.errors.contains("client.key into /etc/docker/certs.d/registry.test/"), "\(result)")
        }
    }

    @Test func halfOfAPairIsNamed() async throws {
        try await Self.with(clients: true) { world in
            let client = try await world.authority.issue("client")
            try await world.copy(client.certificate, to: ".config/docker/certs.d/registry.test/client.cert")
            let result = try await world.push(["--registry-ca", world.authority.certificate])
            #expect(result.status == 1, "\(result)")
            #expect(result.errors.contains("client.cert is there without client.key"), "\(result)")
        }
    }

    @Test func doctorTellsTheTwoApart() async throws {
        try await Self.with { world in
            let environment = world.front.environment
            let doctor = ["doctor", "registry.test/base/busybox:1"]
            let ill = try await world.lab.imgbuild(doctor, environment: environment)
            #expect(ill.status == 1, "\(ill)")
            #expect(ill.output.contains("through \(world.front.proxy.url)"), "\(ill)")
            #expect(ill.output.contains("--registry-ca FILE"), "\(ill)")
            let trusting = doctor + ["--registry-ca", world.authority.certificate]
            let sound = try await world.lab.imgbuild(trusting, environment: environment)
            #expect(sound.status == 0, "\(sound)")
            #expect(sound.output.contains("https://registry.test: certificate verified"), "\(sound)")
        }
    }
}
