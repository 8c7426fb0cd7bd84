import Glibc
import ImgCredentials
import ImgOCI
import ImgReport
import Testing

/// AWS as moto plays it: <https://docs.getmoto.org>.
///
/// The program is `moto_server` on PATH, or what `IMGBUILD_MOTO_SERVER` names.
@Suite(MotoServer.Trait(), .serialized) struct MotoTests {
    private static let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

    private func world(_ variables: [String: String]) throws -> World {
        let server = try #require(MotoServer.current)
        var world = World()
        world.variables = variables.merging(["AWS_ENDPOINT_URL": "http://127.0.0.1:\(server.port)"]) { $1 }
        world.transport = LoopbackTransport(port: server.port)
        return world
    }

    private let keys = ["AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"]

    @Test func givesAPassword() async throws {
        let found = try await world(keys).resolver().credential(for: Self.host, repository: "app", purpose: .push)
        guard case .basic("AWS", let password) = found.credential else {
            Issue.record("no password for AWS")
            return
        }
        #expect(!password.isEmpty)
    }

    @Test func makesARepositoryOnce() async throws {
        let ecr = try world(keys).resolver().ecr
        let registry = try #require(ECRRegistry(host: Self.host))
        let options = ECRRepositoryOptions(isImmutable: true, tags: ["team": "a"])
        #expect(try await ecr.createRepository("team/app", at: registry, options))
        #expect(try await ecr.createRepository("team/app", at: registry, options) == false)
    }

    @Test func assumesARole() async throws {
        let world = try world(["AWS_PROFILE": "role"])
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

    @Test func assumesARoleWithAWebIdentity() async throws {
        let world = try world([
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/token", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web",
            "AWS_ROLE_SESSION_NAME": "test",
        ])
        world.files["/var/token"] = "header.payload.signature"
        let found = try await world.resolver().credential(for: Self.host, repository: "app", purpose: .push)
        #expect(found.source == "AWS role arn:aws:iam::123456789012:role/web by web identity token /var/token")
    }
}

/// A `moto_server` on a free port of the loopback interface.
final class MotoServer: Sendable {
    /// Runs one server for a whole suite.
    struct Trait: SuiteTrait, TestScoping {
        func provideScope(
            for test: Test,
            testCase: Test.Case?,
            performing function: @Sendable @concurrent () async throws -> Void
        ) async throws {
            let server = try await MotoServer()
            try await MotoServer.$current.withValue(server) { try await function() }
            server.stop()
        }
    }

    struct Missing: Error {
        let reason: String
    }

    @TaskLocal static var current: MotoServer?

    let port: UInt16
    private let process: pid_t

    init() async throws {
        port = try Self.freePort()
        process = try Self.spawn(try Self.program(), ["-H", "127.0.0.1", "-p", String(port)])
        for _ in 0..<600 {
            if let connection = try? LoopbackTransport.connect(port) {
                close(connection)
                return
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        kill(process, SIGKILL)
        throw Missing(reason: "moto_server did not start within a minute")
    }

    func stop() {
        // A child inherits the signal mask of the thread that starts it, so nothing milder is sure to arrive.
        kill(process, SIGKILL)
        var status: Int32 = 0
        _ = unsafe waitpid(process, &status, 0)
    }

    private static func program() throws -> String {
        if let path = unsafe getenv("IMGBUILD_MOTO_SERVER") { return unsafe String(cString: path) }
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        for directory in path.split(separator: ":") where unsafe access("\(directory)/moto_server", X_OK) == 0 {
            return "\(directory)/moto_server"
        }
        throw Missing(reason: "moto_server is not on PATH: install it with `pip install 'moto[server]'`")
    }

    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, length) | getsockname(descriptor, $0, &length)
            }
        }
        guard status == 0 else { throw Missing(reason: "no free port") }
        return UInt16(bigEndian: address.sin_port)
    }

    private static func spawn(_ program: String, _ arguments: [String]) throws -> pid_t {
        var argv = unsafe ([program] + arguments).map { unsafe strdup($0) }
        unsafe argv.append(nil)
        defer { for index in unsafe argv.indices { unsafe free(argv[index]) } }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in 0...2 {
            unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var process: pid_t = 0
        let status = unsafe posix_spawn(&process, program, &actions, nil, argv, environ)
        guard status == 0 else { throw Missing(reason: "\(program) could not be started") }
        return process
    }
}
