import Glibc
package import ImgTasks
import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// Runs credential helpers and `credential_process` commands as child processes.
package struct SubprocessRunner: CredentialProcesses {
    private static let outputLimit = 1 << 20
    private static let errorLimit = 16 << 10
    /// Below the capacity of a pipe, so that filling one never blocks.
    private static let inputLimit = 60 << 10

    private let pool: BlockingPool

    package init(pool: BlockingPool) {
        self.pool = pool
    }

    package func locate(_ program: String, in directories: [String]) async -> String? {
        try? await pool.run {
            directories.map { "\($0)/\(program)" }.first(where: Self.isExecutable)
        }
    }

    package func run(_ command: CredentialCommand) async throws(CredentialProcessError) -> CredentialCommandResult {
        do {
            return try await withThrowingTaskGroup(of: CredentialCommandResult.self) { group in
                group.addTask { try await Self.execute(command) }
                group.addTask {
                    try await Task.sleep(for: command.timeLimit)
                    throw CredentialProcessError.timedOut(command.timeLimit)
                }
                // The loser is cancelled when the group ends: a sleep returns, a child is killed.
                defer { group.cancelAll() }
                guard let result = try await group.next() else { throw CredentialProcessError.cancelled }
                return result
            }
        } catch let error as CredentialProcessError {
            throw Task.isCancelled ? .cancelled : error
        } catch let error as SubprocessError {
            if Task.isCancelled { throw .cancelled }
            throw error.code == .outputLimitExceeded ? .outputTooLarge : .notStarted("\(error)")
        } catch {
            throw .cancelled
        }
    }

    private static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        return unsafe access(path, X_OK) == 0
    }

    private static func execute(_ command: CredentialCommand) async throws -> CredentialCommandResult {
        let variables = command.environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        let configuration = Configuration(
            executable: .path(FilePath(command.executable)),
            arguments: Arguments(command.arguments),
            environment: .custom(Dictionary(variables) { first, _ in first })
        )
        let input = try standardInput(command.input)
        if command.showsStandardError {
            let result = try await Subprocess.run(
                configuration,
                input: input,
                output: .bytes(limit: outputLimit),
                error: .currentStandardError
            )
            return CredentialCommandResult(status: result.terminationStatus.exitStatus, output: result.standardOutput)
        }
        let result = try await Subprocess.run(
            configuration,
            input: input,
            output: .bytes(limit: outputLimit),
            error: .sequence
        ) { execution in
            var text: [UInt8] = []
            for try await chunk in execution.standardError where text.count < errorLimit {
                unsafe chunk.withUnsafeBytes { unsafe text.append(contentsOf: $0.prefix(errorLimit - text.count)) }
            }
            return text
        }
        return CredentialCommandResult(
            status: result.terminationStatus.exitStatus,
            output: result.standardOutput,
            errorText: String(decoding: result.closureResult, as: UTF8.self)
        )
    }

    /// The reading end of a pipe that already holds the whole input.
    ///
    /// Nothing is written after the start, so a program that ends without reading costs neither an error nor a
    /// SIGPIPE.
    private static func standardInput(_ input: Secret) throws -> FileDescriptorInput {
        let bytes = Array(input.exposed.utf8)
        guard bytes.count <= inputLimit else { throw CredentialProcessError.notStarted("the input is too long") }
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else {
            throw CredentialProcessError.notStarted(unsafe String(cString: strerror(errno)))
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let written = unsafe bytes.withUnsafeBytes { unsafe write(ends[1], $0.baseAddress, $0.count) }
        close(ends[1])
        guard written == bytes.count else {
            close(ends[0])
            throw CredentialProcessError.notStarted("its input could not be written")
        }
        return .fileDescriptor(FileDescriptor(rawValue: ends[0]), closeAfterSpawningProcess: true)
    }
}

extension TerminationStatus {
    fileprivate var exitStatus: Int32 {
        switch self {
        case .exited(let status): status
        case .signaled(let signal): 128 + signal
        }
    }
}
