import CImgCurl
import Glibc
import ImgTasks

/// One transfer on the loop's thread: what libcurl's callbacks work on.
final class Transfer {
    let exchange: Exchange
    let easy: EasyHandle
    let limits: TransferLimits
    var clock: TransferClock
    private(set) var body: UploadSource
    private var head = HeadParser()
    /// Why a callback made libcurl give up.
    var failure: HTTPError?
    private(set) var receivingPaused = false
    private(set) var sendingPaused = false
    /// Set by new bytes for the reader, until it is told.
    var hasNews = false
    private(set) var status: Int?
    private(set) var httpVersion: String?
    private var announced: Int64?

    init(exchange: Exchange, easy: EasyHandle, limits: TransferLimits) throws(HTTPError) {
        self.exchange = exchange
        self.easy = easy
        self.limits = limits
        body = try UploadSource(exchange: exchange)
        clock = TransferClock(
            bodyLength: exchange.request.body.length,
            answersQuickly: exchange.request.method.answersQuickly
        )
    }

    // MARK: Receiving

    /// Takes body bytes and tells libcurl how many, or to pause.
    func received(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch unsafe exchange.incoming.offer(bytes) {
        case .taken:
            hasNews = true
            return bytes.count
        case .full:
            receivingPaused = true
            return Int(CURL_WRITEFUNC_PAUSE)
        case .refused:
            failure = exchange.cancellation
            return 0
        }
    }

    /// Takes a header line; false ends the transfer.
    func receivedHeader(_ line: String) -> Bool {
        do throws(HeadParser.Failure) {
            if let head = try head.take(line) {
                try deliver(head)
            }
            return true
        } catch {
            failure = HTTPError(error.code, "\(exchange.url.authority): \(error.message)", url: exchange.request.url)
            return false
        }
    }

    private func deliver(_ head: HeadParser.Head) throws(HeadParser.Failure) {
        status = head.status
        httpVersion = head.version
        announced = head.headers.contentLength
        clock.headArrived()
        if head.status >= 300 {
            // libcurl stops sending on its own and will not reuse the connection (NET-8).
            exchange.stopSource()
            // A paused upload would keep the transfer open after the answer's end.
            exchange.resumeSending()
        }
        if head.status == 407, let proxy = exchange.request.proxy, !proxy.isEmpty {
            throw HeadParser.Failure(
                code: .proxy,
                message: "proxy \(FailureReport.proxyName(proxy)) asks for credentials (407)"
            )
        }
        let response = HTTPResponse(
            status: head.status,
            headers: head.headers,
            httpVersion: head.version,
            url: exchange.request.url,
            remoteAddress: remoteAddress,
            body: HTTPResponseBody(exchange: exchange, length: head.headers.contentLength)
        )
        exchange.completeHead(.success(response))
    }

    /// Body bytes that have not arrived yet, if the server said how many there are.
    var bodyLeft: Int64? { announced.map { $0 - clock.received } }

    var remoteAddress: String? {
        guard let address = easy.text(CURLINFO_PRIMARY_IP), !address.isEmpty else { return nil }
        let name = address.contains(":") ? "[\(address)]" : address
        return "\(name):\(easy.number(CURLINFO_PRIMARY_PORT))"
    }

    // MARK: Connecting

    /// An address that was refused; another of the same name may have served.
    private(set) var refusedAddress: IPAddress?

    func mayConnect(to address: IPAddress?) -> Bool {
        guard let address, exchange.request.refusesAddress?(address) != true else {
            refusedAddress = address
            return false
        }
        return true
    }

    // MARK: Sending

    /// Gives libcurl body bytes: how many, or to pause, or to give up.
    func fill(_ target: UnsafeMutableRawBufferPointer) -> Int {
        switch unsafe body.fill(target) {
        case .bytes(let count):
            return count
        case .end:
            return 0
        case .empty:
            sendingPaused = true
            return Int(CURL_READFUNC_PAUSE)
        case .failure(let error):
            failure = error
            return Int(CURL_READFUNC_ABORT)
        }
    }

    func seek(to offset: Int64, origin: Int32) -> Bool {
        origin == SEEK_SET && body.seek(to: offset)
    }

    // MARK: Pausing

    func resumeReceiving() {
        guard receivingPaused else { return }
        receivingPaused = false
        clock.touch()
        easy.setPaused(receive: false, send: sendingPaused)
    }

    func resumeSending() {
        guard sendingPaused else { return }
        sendingPaused = false
        clock.touch()
        easy.setPaused(receive: receivingPaused, send: false)
    }

    // MARK: Progress

    /// Notes what has moved in all; false if that took too long (`NET-6`).
    func moved(sent: Int64, received: Int64) -> Bool {
        exchange.request.progress?.add(sent - clock.sent)
        clock.note(sent: sent, received: received, paused: receivingPaused || sendingPaused)
        guard failure == nil, let cause = clock.overdue(limits) else { return failure == nil }
        failure = HTTPError(
            .stalled,
            "\(exchange.url.authority): \(cause)",
            url: exchange.request.url,
            retry: .yes
        )
        return false
    }

    /// Ends the exchange, and fills in the error's numbers.
    func finish(_ result: Result<Void, HTTPError>) -> HTTPError? {
        exchange.stopSource()
        switch result {
        case .success:
            exchange.incoming.finish(.success(()))
            let missing = HTTPError(
                .protocolError,
                "no answer from \(exchange.url.authority)",
                url: exchange.request.url
            )
            exchange.completeHead(.failure(missing))
            return nil
        case .failure(var error):
            error.sent = clock.sent
            error.received = clock.received
            exchange.incoming.finish(.failure(error))
            exchange.completeHead(.failure(error))
            return error
        }
    }
}
