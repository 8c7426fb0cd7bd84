import CImgCurl

/// Turns a request into options of an easy handle.
struct TransferSetup {
    let configuration: HTTPConfiguration
    let exchange: Exchange

    private var request: HTTPRequest { exchange.request }

    func apply(to transfer: Transfer) throws(CurlRefusal) {
        let easy = transfer.easy
        easy.setCallbacks(transfer)
        try setSafety(easy)
        try setRequest(easy)
        try setRoute(transfer)
        try setTLS(easy)
        try setPace(easy)
    }

    /// Nothing happens that the caller did not ask for (`NET-1`).
    private func setSafety(_ easy: EasyHandle) throws(CurlRefusal) {
        try easy.set(.noSignal, true)
        try easy.set(.followLocation, false)
        try easy.set(.unrestrictedAuth, false)
        try easy.set(.netrc, Int(CURL_NETRC_IGNORED.rawValue))
        try easy.set(.protocols, "http,https")
        try easy.set(.redirectProtocols, "http,https")
        try easy.set(.noUserInURL, true)
        try easy.set(.pathAsIs, true)
        try easy.set(.suppressConnectHeaders, true)
        try easy.set(.headerScope, Int(CURLHEADER_SEPARATE))
    }

    private func setRequest(_ easy: EasyHandle) throws(CurlRefusal) {
        try easy.set(.url, request.url)
        try easy.setHeaders(headerLines)
        switch request.body {
        case .none where !request.method.announcesLength:
            if request.method == .head {
                try easy.set(.noBody, true)
            } else {
                try easy.set(.method, request.method.rawValue)
            }
        default:
            try easy.set(.upload, true)
            try easy.set(.uploadLength, request.body.length)
            try easy.set(.method, request.method.rawValue)
        }
    }

    private var headerLines: [String] {
        var lines = ["Expect:"]
        if !request.headers.contains("User-Agent") {
            lines.append("User-Agent: \(configuration.userAgent)")
        }
        for field in request.headers.fields {
            lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        return lines
    }

    private func setRoute(_ transfer: Transfer) throws(CurlRefusal) {
        let easy = transfer.easy
        try easy.set(.proxy, request.proxy ?? "")
        try easy.set(.noProxy, "")
        if request.refusesAddress != nil, request.proxy?.isEmpty ?? true {
            easy.setAddressCheck(transfer)
        }
        if let path = request.unixSocket {
            try easy.set(.unixSocket, path)
        }
        // Never HTTP/2 (NET-5 allows either): uploads stall on it, libcurl 7.88 gathers in memory what arrives for a paused
        // stream, and crosses the answers of requests when connections of both versions to a host are busy.
        try easy.set(.httpVersion, Int(CURL_HTTP_VERSION_1_1))
    }

    private func setTLS(_ easy: EasyHandle) throws(CurlRefusal) {
        let tls = request.tls
        try easy.set(.sslVersion, Int(CURL_SSLVERSION_TLSv1_2))
        try easy.set(.verifyPeer, tls.verify)
        try easy.set(.verifyHost, tls.verify ? 2 : 0)
        if let roots = tls.caPEM {
            try easy.set(.caBlob, roots)
            try easy.set(.proxyCABlob, roots)
        } else if let directory = tls.caDirectory {
            try easy.unset(.caFile)
            try easy.set(.caDirectory, directory)
            try easy.unset(.proxyCAFile)
            try easy.set(.proxyCADirectory, directory)
        }
        if let pair = tls.clientCertificate {
            try easy.set(.clientCertificate, pair.certificatePath)
            try easy.set(.clientKey, pair.keyPath)
        }
    }

    private func setPace(_ easy: EasyHandle) throws(CurlRefusal) {
        try easy.set(.tcpNoDelay, true)
        try easy.set(.tcpKeepAlive, true)
        // Wishes only: libcurl refuses them while a handle still has its buffers.
        try? easy.set(.bufferSize, 512 << 10)
        try? easy.set(.uploadBufferSize, 512 << 10)
        // Balancers drop connections that are idle for a minute (NET-9).
        try easy.set(.maxIdleSeconds, 30)
        let connect = request.connectTimeout ?? configuration.connectTimeout
        try easy.set(.connectTimeoutMilliseconds, connect.wholeMilliseconds)
        if let total = request.totalTimeout {
            try easy.set(.timeoutMilliseconds, total.wholeMilliseconds)
        }
        try easy.set(.noProgress, false)
    }
}
