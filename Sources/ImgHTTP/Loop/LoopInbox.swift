import ImgTasks
import Synchronization

/// What tasks ask of the loop's thread.
enum LoopCommand: Sendable {
    case start(Exchange)
    case cancel(UInt64)
    /// The body is not wanted any more; what little is left may be drained to keep the connection.
    case discard(UInt64)
    /// There is room for received bytes again.
    case resumeReceiving(UInt64)
    /// There are bytes to send again.
    case resumeSending(UInt64)
}

/// The loop's queue of commands, filled from any thread.
final class LoopInbox: Sendable {
    private struct State {
        var commands: [LoopCommand] = []
        var closed = false
    }

    private let state = Mutex(State())
    private let signal = ThreadSignal()

    /// Readable while there is something to take.
    var descriptor: Int32 { signal.descriptor }

    /// Adds a command; false if the loop has ended.
    @discardableResult
    func post(_ command: LoopCommand) -> Bool {
        let (accepted, wake) = state.withLock { state in
            guard !state.closed else { return (false, false) }
            state.commands.append(command)
            return (true, state.commands.count == 1)
        }
        if wake { signal.post() }
        return accepted
    }

    /// No more commands; the loop ends after those that are here.
    func close() {
        state.withLock { $0.closed = true }
        signal.post()
    }

    func take() -> (commands: [LoopCommand], closed: Bool) {
        state.withLock { state in
            defer { state.commands = [] }
            return (state.commands, state.closed)
        }
    }

    /// Takes one call off the descriptor, after it was found readable.
    func acknowledge() {
        signal.wait()
    }
}

/// Keeps a loop running: held by the client and by every exchange, so that a body outlives its client.
final class LoopHandle: Sendable {
    let inbox: LoopInbox

    init(inbox: LoopInbox) {
        self.inbox = inbox
    }

    deinit {
        inbox.close()
    }
}
