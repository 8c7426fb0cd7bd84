import ImgCredentials
import ImgOCI
import ImgReport
import ImgTestKit
import Synchronization

/// Files in memory.
final class MemoryFiles: CredentialFiles {
    private let contents: Mutex<[String: String]>
    private let readPaths = Mutex<[String]>([])
    /// What this user may not read.
    private let denied: Set<String>

    init(_ contents: [String: String] = [:], denied: Set<String> = []) {
        self.contents = Mutex(contents)
        self.denied = denied
    }

    subscript(path: String) -> String? {
        get { contents.withLock { $0[path] } }
        set { contents.withLock { $0[path] = newValue } }
    }

    var reads: [String] { readPaths.withLock(\.self) }

    func read(_ path: String) async throws(CredentialFileError) -> [UInt8]? {
        readPaths.withLock { $0.append(path) }
        guard !denied.contains(path) else {
            throw CredentialFileError(path: path, reason: "Permission denied", isDenied: true)
        }
        return self[path].map { Array($0.utf8) }
    }

    func update(_ path: String, _ edit: @escaping @Sendable ([UInt8]?) throws -> [UInt8]?) async throws {
        if let bytes = try edit(self[path].map { Array($0.utf8) }) {
            self[path] = String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// Answers requests by a function and remembers them.
final class ScriptedTransport: CredentialTransport {
    typealias Handler = @Sendable (CredentialRequest) throws(CredentialTransportError) -> CredentialReply

    private let handler: Handler
    private let log = Mutex<[CredentialRequest]>([])

    init(_ handler: @escaping Handler) {
        self.handler = handler
    }

    /// Nothing listens anywhere.
    static var unreachable: ScriptedTransport {
        ScriptedTransport { (_) throws(CredentialTransportError) in
            throw CredentialTransportError(.network, "connection refused")
        }
    }

    var requests: [CredentialRequest] { log.withLock(\.self) }

    func send(_ request: CredentialRequest) async throws(CredentialTransportError) -> CredentialReply {
        log.withLock { $0.append(request) }
        // Others may run in between, as they would while a real request is under way.
        await Task.yield()
        return try handler(request)
    }
}

/// Programs played by a function; the name is what the executable's path ends with.
final class ScriptedProcesses: CredentialProcesses {
    typealias Handler = @Sendable (CredentialCommand) throws(CredentialProcessError) -> CredentialCommandResult

    private let installed: Set<String>
    private let handler: Handler
    private let log = Mutex<[CredentialCommand]>([])

    init(installed: Set<String> = [], _ handler: @escaping Handler) {
        self.installed = installed
        self.handler = handler
    }

    static let none = ScriptedProcesses { (_) throws(CredentialProcessError) in throw .notStarted("none installed") }

    var commands: [CredentialCommand] { log.withLock(\.self) }

    func locate(_ program: String, in directories: [String]) async -> String? {
        installed.contains(program) ? "/bin/\(program)" : nil
    }

    func run(_ command: CredentialCommand) async throws(CredentialProcessError) -> CredentialCommandResult {
        log.withLock { $0.append(command) }
        await Task.yield()
        return try handler(command)
    }
}

/// A clock that stands still until it is moved.
final class TestClock: Sendable {
    private let time: Mutex<Timestamp>

    init(_ text: String = "2026-01-02T03:04:05Z") {
        time = Mutex(Timestamp(rfc3339: text) ?? .epoch)
    }

    var now: Timestamp { time.withLock(\.self) }

    func advance(seconds: Int64) { time.withLock { $0.seconds += seconds } }
}

/// A whole world for the module under test.
struct World {
    var variables: [String: String] = [:]
    var files = MemoryFiles()
    var processes: any CredentialProcesses = ScriptedProcesses.none
    var transport: any CredentialTransport = ScriptedTransport.unreachable
    let events = RecordedEvents()
    let clock = TestClock()

    var context: CredentialContext {
        let clock = clock
        return CredentialContext(
            environment: CredentialEnvironment(
                variables: variables,
                home: "/home/u",
                now: { clock.now },
                sleep: { _ in try Task.checkCancellation() }
            ),
            files: files,
            processes: processes,
            transport: transport,
            events: events
        )
    }

    func resolver(_ options: CredentialResolver.Options = .init()) -> CredentialResolver {
        CredentialResolver(context: context, options: options)
    }
}

extension CredentialReply {
    static func json(_ text: String, status: Int = 200, headers: [(String, String)] = []) -> CredentialReply {
        CredentialReply(
            status: status,
            headers: headers.map { CredentialHeader($0.0, $0.1) },
            body: Array(text.utf8)
        )
    }
}

extension CredentialRequest {
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// The error that an operation ends with; nil when it succeeds.
func buildError(_ operation: () async throws(BuildError) -> some Any) async -> BuildError? {
    do {
        _ = try await operation()
        return nil
    } catch {
        return error
    }
}

extension BuildError {
    /// Message, notes and hints.
    var everything: String {
        diagnostics.map { ([$0.message] + $0.notes + $0.hints).joined(separator: "\n") }.joined(separator: "\n")
    }
}

let hubKey = "https://index.docker.io/v1/"

func base64(_ text: String) -> String { Base64.encode(Array(text.utf8)) }
