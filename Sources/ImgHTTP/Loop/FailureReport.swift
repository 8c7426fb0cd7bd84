import CImgCurl
import Glibc

/// Says in plain words what libcurl's result means for a request (`RETRY-2`).
struct FailureReport {
    let exchange: Exchange
    let easy: EasyHandle

    private var request: HTTPRequest { exchange.request }
    private var peer: String {
        "\(exchange.url.host.contains(":") ? "[\(exchange.url.host)]" : exchange.url.host):\(exchange.url.effectivePort)"
    }

    /// The proxy without its credentials.
    static func proxyName(_ proxy: String) -> String {
        URLParts(proxy.contains("://") ? proxy : "http://" + proxy)?.authority ?? URLMask.mask(proxy)
    }

    func error(_ code: CURLcode) -> HTTPError {
        var text = cause(code)
        let lowered = text.lowercased()
        if speaksClearText(lowered), isBeforeTunnel {
            text =
                "it answered clear text on a TLS connection; write http:// in front of its name if that is how it is spoken to"
        }
        if let proxy = request.proxy, !proxy.isEmpty, concernsProxy(code, lowered) {
            return make(code, .proxy, "proxy \(Self.proxyName(proxy)) failed for \(peer): \(text)", .never)
        }
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST:
            return make(code, .resolve, "cannot resolve \(exchange.url.host): \(text)", .ifHostWorked)
        case CURLE_COULDNT_CONNECT:
            return make(code, .connect, "cannot connect to \(request.unixSocket ?? peer): \(text)", .yes)
        case CURLE_OPERATION_TIMEDOUT:
            return make(code, .timeout, "\(peer): \(text)", .yes)
        case CURLE_SSL_CONNECT_ERROR:
            return handshake(code, text, lowered)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_OBSOLETE51, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS:
            return make(code, .tlsVerify, "certificate of \(peer) is not trusted: \(text)", .never)
        case CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ENGINE_INITFAILED, CURLE_USE_SSL_FAILED:
            return make(code, .tlsHandshake, "cannot set up TLS with \(peer): \(text)", .never)
        case CURLE_URL_MALFORMAT, CURLE_LOGIN_DENIED, CURLE_UNSUPPORTED_PROTOCOL:
            return make(code, .invalidRequest, "cannot send a request to \(peer): \(text)", .never)
        default:
            return transport(code, text, lowered)
        }
    }

    private func handshake(_ code: CURLcode, _ text: String, _ lowered: String) -> HTTPError {
        if speaksClearText(lowered) {
            return make(code, .plainHTTPPeer, "\(peer) answered clear text on a TLS connection", .never)
        }
        let passing = ["reset", "syscall", "eof", "timed out", "closed"]
        let retry: HTTPError.Retry = passing.contains(where: lowered.contains) ? .yes : .never
        return make(code, .tlsHandshake, "TLS handshake with \(peer) failed: \(text)", retry)
    }

    private func speaksClearText(_ lowered: String) -> Bool {
        let signs = ["wrong version number", "http request", "packet length too long", "unknown protocol"]
        return signs.contains(where: lowered.contains)
    }

    /// Whether TLS was spoken with a proxy that has not answered yet, not with the host behind it (PRX-5).
    private var isBeforeTunnel: Bool {
        request.proxy?.lowercased().hasPrefix("https:") == true && easy.number(CURLINFO_HTTP_CONNECTCODE) == 0
    }

    private func transport(_ code: CURLcode, _ text: String, _ lowered: String) -> HTTPError {
        switch code {
        case CURLE_PARTIAL_FILE:
            return make(code, .partialBody, "\(peer) ended the answer early: \(text)", .yes)
        case CURLE_SEND_FAIL_REWIND:
            // The connection ended while the body was on its way, which can't be sent a second time by itself.
            return make(code, .sendFailed, "sending to \(peer) failed: the connection was lost", .yes)
        case CURLE_SEND_ERROR:
            return make(code, .sendFailed, "sending to \(peer) failed: \(text)", .yes)
        case CURLE_RECV_ERROR where lowered.contains("alert"):
            // With TLS 1.3 a refused client certificate shows only at the first read.
            return make(code, .tlsHandshake, "\(peer) refused the TLS connection: \(text)", .never)
        case CURLE_RECV_ERROR, CURLE_GOT_NOTHING:
            return make(code, .receiveFailed, "receiving from \(peer) failed: \(text)", .yes)
        default:
            return make(code, .protocolError, "request to \(peer) failed: \(text)", .never)
        }
    }

    private func concernsProxy(_ code: CURLcode, _ text: String) -> Bool {
        switch code {
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: true
        // With a proxy, it is the proxy that is connected to.
        case CURLE_COULDNT_CONNECT: true
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION: isBeforeTunnel
        case CURLE_RECV_ERROR: text.contains("connect") && (text.contains("tunnel") || text.contains("proxy"))
        default: false
        }
    }

    private func cause(_ code: CURLcode) -> String {
        // libcurl's own words name the host and say a second time that connecting failed.
        let number = Int32(truncatingIfNeeded: easy.number(CURLINFO_OS_ERRNO))
        if code == CURLE_COULDNT_CONNECT, number != 0 { return unsafe String(cString: strerror(number)) }
        // Some of them quote the proxy's URL as it was given (SEC-7).
        let own = URLMask.maskText(easy.errorMessage)
        return own.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : own
    }

    private func make(
        _ code: CURLcode,
        _ kind: HTTPError.Code,
        _ message: String,
        _ retry: HTTPError.Retry
    ) -> HTTPError {
        HTTPError(kind, message, url: request.url, retry: retry, curlCode: Int32(code.rawValue))
    }
}
