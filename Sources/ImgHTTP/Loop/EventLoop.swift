import CImgCurl
import Glibc
import ImgTasks

/// Runs all transfers of a client on one thread.
final class EventLoop {
    private let configuration: HTTPConfiguration
    private let inbox: LoopInbox
    private let multi: MultiHandle
    private var transfers: [UInt64: Transfer] = [:]
    /// From an easy handle's identity to its transfer.
    private var owners: [UInt: UInt64] = [:]
    private var idle: [EasyHandle] = []
    /// Transfers whose body nobody reads, and until when they may drain.
    private var drains: [UInt64: ContinuousClock.Instant] = [:]

    private static let idleHandles = 16
    private static let drainTime = Duration.seconds(5)

    private init(configuration: HTTPConfiguration, inbox: LoopInbox, multi: MultiHandle) {
        self.configuration = configuration
        self.inbox = inbox
        self.multi = multi
    }

    /// The body of the loop's thread; returns when the inbox is closed.
    static func run(configuration: HTTPConfiguration, inbox: LoopInbox) {
        blockSignals()
        guard let multi = MultiHandle() else { return refuseAll(inbox) }
        multi.limitConnections(perHost: configuration.maxConnectionsPerHost)
        EventLoop(configuration: configuration, inbox: inbox, multi: multi).run()
    }

    private func run() {
        while true {
            let (commands, closed) = inbox.take()
            for command in commands { execute(command) }
            if closed { break }
            multi.perform()
            while let (handle, code) = multi.nextFinished() {
                if let id = owners[handle] { finish(id, code: code) }
            }
            for transfer in transfers.values where transfer.hasNews {
                transfer.hasNews = false
                transfer.exchange.incoming.flush()
            }
            endOverdueDrains()
            if multi.wait(milliseconds: patience, descriptor: inbox.descriptor) {
                inbox.acknowledge()
            }
        }
        for id in Array(transfers.keys) { cancel(id) }
    }

    /// How long to wait: libcurl looks at the limits of silence only when it is called.
    private var patience: Int32 {
        guard !transfers.isEmpty else { return 60_000 }
        let shortest = min(configuration.stallTimeout, configuration.replyTimeout).wholeMilliseconds
        return Int32(min(1000, max(10, shortest / 4)))
    }

    private func execute(_ command: LoopCommand) {
        switch command {
        case .start(let exchange): start(exchange)
        case .cancel(let id): cancel(id)
        case .discard(let id): discard(id)
        case .resumeReceiving(let id): transfers[id]?.resumeReceiving()
        case .resumeSending(let id): transfers[id]?.resumeSending()
        }
    }

    private func start(_ exchange: Exchange) {
        guard let easy = idle.popLast() ?? EasyHandle() else {
            exchange.completeHead(.failure(Self.outOfMemory(exchange)))
            return
        }
        do throws(HTTPError) {
            let transfer = try prepare(exchange, easy)
            guard multi.add(easy) else { throw Self.outOfMemory(exchange) }
            transfers[exchange.id] = transfer
            owners[easy.identity] = exchange.id
        } catch {
            exchange.completeHead(.failure(error))
        }
    }

    private func prepare(_ exchange: Exchange, _ easy: EasyHandle) throws(HTTPError) -> Transfer {
        let limits = TransferLimits(stall: configuration.stallTimeout, reply: configuration.replyTimeout)
        let transfer = try Transfer(exchange: exchange, easy: easy, limits: limits)
        do throws(CurlRefusal) {
            try TransferSetup(configuration: configuration, exchange: exchange).apply(to: transfer)
        } catch {
            throw FailureReport(exchange: exchange, easy: easy).error(error.code)
        }
        return transfer
    }

    private func finish(_ id: UInt64, code: CURLcode) {
        guard let transfer = remove(id) else { return }
        let result: Result<Void, HTTPError>
        if let failure = transfer.failure {
            result = .failure(failure)
        } else if code == CURLE_OK {
            result = .success(())
        } else if code == CURLE_COULDNT_CONNECT, let address = transfer.refusedAddress {
            let text = "\(transfer.exchange.url.host) has the internal address \(address.text)"
            result = .failure(HTTPError(.addressRefused, text, url: transfer.exchange.request.url))
        } else {
            result = .failure(FailureReport(exchange: transfer.exchange, easy: transfer.easy).error(code))
        }
        conclude(transfer, result)
    }

    private func cancel(_ id: UInt64) {
        guard let transfer = remove(id) else { return }
        conclude(transfer, .failure(transfer.failure ?? transfer.exchange.cancellation))
    }

    private func conclude(_ transfer: Transfer, _ result: Result<Void, HTTPError>) {
        let trace = configuration.trace.map { _ in transfer.remoteAddress }
        let error = transfer.finish(result)
        if error == nil { recycle(transfer.easy) }
        guard let report = configuration.trace, let remoteAddress = trace else { return }
        let exchange = transfer.exchange
        report(
            HTTPTrace(
                method: exchange.request.method,
                url: URLMask.mask(exchange.request.url),
                status: transfer.status,
                duration: ContinuousClock.now - transfer.clock.started,
                httpVersion: transfer.httpVersion,
                remoteAddress: remoteAddress,
                error: error,
                sent: transfer.clock.sent,
                received: transfer.clock.received
            )
        )
    }

    /// Takes a transfer out of the multi handle; its connection closes unless it is complete.
    private func remove(_ id: UInt64) -> Transfer? {
        guard let transfer = transfers.removeValue(forKey: id) else { return nil }
        owners[transfer.easy.identity] = nil
        drains[id] = nil
        multi.remove(transfer.easy)
        return transfer
    }

    /// Keeps a handle for the next transfer; after a failure libcurl leaves things in it that a reset does not clear.
    private func recycle(_ easy: EasyHandle) {
        guard idle.count < Self.idleHandles else { return }
        easy.reset()
        idle.append(easy)
    }

    /// Lets a short rest of an unread body pass, so that its connection can be used again, or cancels the transfer.
    private func discard(_ id: UInt64) {
        guard let transfer = transfers[id] else { return }
        guard transfer.status.map({ $0 != 101 }) ?? false, !transfer.clock.isSending else { return cancel(id) }
        let allowance = 64 << 10
        if let left = transfer.bodyLeft, left > Int64(allowance) { return cancel(id) }
        _ = transfer.exchange.incoming.discard(allowance: allowance)
        drains[id] = .now + Self.drainTime
        transfer.resumeReceiving()
    }

    private func endOverdueDrains() {
        guard !drains.isEmpty else { return }
        let now = ContinuousClock.now
        for (id, end) in drains where end < now { cancel(id) }
    }

    /// Signals are for other threads; above all a broken pipe must be an error code here.
    private static func blockSignals() {
        var set = sigset_t()
        unsafe sigfillset(&set)
        for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT] { unsafe sigdelset(&set, fault) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    private static func outOfMemory(_ exchange: Exchange) -> HTTPError {
        HTTPError(.protocolError, "libcurl has no memory for another transfer", url: exchange.request.url)
    }

    /// Answers requests without libcurl, which could not be started.
    private static func refuseAll(_ inbox: LoopInbox) {
        inbox.close()
        for command in inbox.take().commands {
            if case .start(let exchange) = command { exchange.completeHead(.failure(outOfMemory(exchange))) }
        }
    }
}
