import Synchronization

/// The part of a transfer that tasks and the loop's thread share.
final class Exchange: Sendable {
    let id: UInt64
    let request: HTTPRequest
    let url: URLParts
    let incoming = ReceiveBuffer()
    let outgoing: SendBuffer?
    private let loop: LoopHandle
    private var inbox: LoopInbox { loop.inbox }

    private enum Head {
        case open
        case awaited(CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>)
        case done
    }

    private let head = Mutex(Head.open)
    private let source = Mutex<Task<Void, Never>?>(nil)

    init(id: UInt64, request: HTTPRequest, url: URLParts, loop: LoopHandle) {
        self.id = id
        self.request = request
        self.url = url
        self.loop = loop
        if case .stream = request.body {
            outgoing = SendBuffer()
        } else {
            outgoing = nil
        }
    }

    /// Starts the transfer and waits for the header block of the answer.
    func run() async -> Result<HTTPResponse, HTTPError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                head.withLock { $0 = .awaited(continuation) }
                if !inbox.post(.start(self)) {
                    completeHead(.failure(cancellation))
                } else if Task.isCancelled {
                    inbox.post(.cancel(id))  // the handler's one may have come before the start
                }
            }
        } onCancel: {
            inbox.post(.cancel(id))
        }
    }

    /// Hands over the answer or the failure; only the first one counts.
    /// - Returns: False if the head was complete before.
    @discardableResult
    func completeHead(_ result: Result<HTTPResponse, HTTPError>) -> Bool {
        let continuation = head.withLock { head -> CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>? in
            guard case .awaited(let continuation) = head else { return nil }
            head = .done
            return continuation
        }
        continuation?.resume(returning: result)
        return continuation != nil
    }

    var cancellation: HTTPError { HTTPError(.cancelled, "request to \(url.authority) cancelled", url: request.url) }

    func cancel() {
        inbox.post(.cancel(id))
    }

    func discard() {
        inbox.post(.discard(id))
    }

    func resumeReceiving() {
        inbox.post(.resumeReceiving(id))
    }

    func resumeSending() {
        inbox.post(.resumeSending(id))
    }

    // MARK: The streamed body

    /// Starts pulling the body's chunks.
    ///
    /// A task of its own: the upload may outlast the call that sent the request, if the answer's head comes first.
    func startSource() {
        guard let outgoing, case .stream(let length, let next) = request.body else { return }
        source.withLock { task in
            guard task == nil else { return }
            task = Task { await self.pump(into: outgoing, length: length, next: next) }
        }
    }

    func stopSource() {
        outgoing?.close()
        source.withLock { $0 }?.cancel()
    }

    private func pump(
        into outgoing: SendBuffer,
        length: Int64,
        next: @Sendable () async throws -> [UInt8]?
    ) async {
        var left = length
        var result: Result<Void, HTTPError> = .success(())
        do {
            while let bytes = try await next() {
                left -= Int64(bytes.count)
                guard left >= 0 else { break }
                guard await push(bytes, into: outgoing) else { return }
            }
            if left != 0 {
                let text = left > 0 ? "\(left) bytes short of" : "longer than"
                result = .failure(HTTPError(.bodySource, "the body is \(text) its \(length) bytes", url: request.url))
            }
        } catch {
            result = .failure(HTTPError(.bodySource, "cannot read the body: \(error)", url: request.url))
        }
        if outgoing.finish(result) {
            resumeSending()
        }
    }

    private func push(_ bytes: [UInt8], into outgoing: SendBuffer) async -> Bool {
        while true {
            switch outgoing.push(bytes) {
            case .taken(let loopWaits):
                if loopWaits { resumeSending() }
                return true
            case .full:
                await outgoing.waitForRoom()
            case .closed:
                return false
            }
        }
    }
}
