import CImgCurl
import CImgCurlShims

/// An option of an easy handle with the type of its value, which C does not check.
struct CurlOption<Value> {
    let raw: CURLoption

    private init(_ raw: CURLoption) {
        self.raw = raw
    }
}

extension CurlOption where Value == Bool {
    static var noSignal: Self { Self(CURLOPT_NOSIGNAL) }
    static var noBody: Self { Self(CURLOPT_NOBODY) }
    static var upload: Self { Self(CURLOPT_UPLOAD) }
    static var followLocation: Self { Self(CURLOPT_FOLLOWLOCATION) }
    static var unrestrictedAuth: Self { Self(CURLOPT_UNRESTRICTED_AUTH) }
    static var pathAsIs: Self { Self(CURLOPT_PATH_AS_IS) }
    static var noUserInURL: Self { Self(CURLOPT_DISALLOW_USERNAME_IN_URL) }
    static var tcpNoDelay: Self { Self(CURLOPT_TCP_NODELAY) }
    static var tcpKeepAlive: Self { Self(CURLOPT_TCP_KEEPALIVE) }
    static var noProgress: Self { Self(CURLOPT_NOPROGRESS) }
    static var suppressConnectHeaders: Self { Self(CURLOPT_SUPPRESS_CONNECT_HEADERS) }
    static var verifyPeer: Self { Self(CURLOPT_SSL_VERIFYPEER) }
}

extension CurlOption where Value == Int {
    static var httpVersion: Self { Self(CURLOPT_HTTP_VERSION) }
    static var netrc: Self { Self(CURLOPT_NETRC) }
    static var sslVersion: Self { Self(CURLOPT_SSLVERSION) }
    static var verifyHost: Self { Self(CURLOPT_SSL_VERIFYHOST) }
    static var connectTimeoutMilliseconds: Self { Self(CURLOPT_CONNECTTIMEOUT_MS) }
    static var timeoutMilliseconds: Self { Self(CURLOPT_TIMEOUT_MS) }
    static var bufferSize: Self { Self(CURLOPT_BUFFERSIZE) }
    static var uploadBufferSize: Self { Self(CURLOPT_UPLOAD_BUFFERSIZE) }
    static var maxIdleSeconds: Self { Self(CURLOPT_MAXAGE_CONN) }
    static var headerScope: Self { Self(CURLOPT_HEADEROPT) }
}

extension CurlOption where Value == Int64 {
    static var uploadLength: Self { Self(CURLOPT_INFILESIZE_LARGE) }
}

extension CurlOption where Value == String {
    static var url: Self { Self(CURLOPT_URL) }
    static var method: Self { Self(CURLOPT_CUSTOMREQUEST) }
    static var proxy: Self { Self(CURLOPT_PROXY) }
    static var noProxy: Self { Self(CURLOPT_NOPROXY) }
    static var protocols: Self { Self(CURLOPT_PROTOCOLS_STR) }
    static var redirectProtocols: Self { Self(CURLOPT_REDIR_PROTOCOLS_STR) }
    static var unixSocket: Self { Self(CURLOPT_UNIX_SOCKET_PATH) }
    static var clientCertificate: Self { Self(CURLOPT_SSLCERT) }
    static var clientKey: Self { Self(CURLOPT_SSLKEY) }
    static var caFile: Self { Self(CURLOPT_CAINFO) }
    static var caDirectory: Self { Self(CURLOPT_CAPATH) }
    static var proxyCAFile: Self { Self(CURLOPT_PROXY_CAINFO) }
    static var proxyCADirectory: Self { Self(CURLOPT_PROXY_CAPATH) }
}

extension CurlOption where Value == [UInt8] {
    static var caBlob: Self { Self(CURLOPT_CAINFO_BLOB) }
    static var proxyCABlob: Self { Self(CURLOPT_PROXY_CAINFO_BLOB) }
}

/// A type that options take; it picks the C wrapper.
protocol CurlOptionValue {
    func set(_ option: CURLoption, on handle: UnsafeMutableRawPointer) -> CURLcode
}

extension Bool: CurlOptionValue {
    func set(_ option: CURLoption, on handle: UnsafeMutableRawPointer) -> CURLcode {
        unsafe cimg_curl_set_long(handle, option, self ? 1 : 0)
    }
}

extension Int: CurlOptionValue {
    func set(_ option: CURLoption, on handle: UnsafeMutableRawPointer) -> CURLcode {
        unsafe cimg_curl_set_long(handle, option, self)
    }
}

extension Int64: CurlOptionValue {
    func set(_ option: CURLoption, on handle: UnsafeMutableRawPointer) -> CURLcode {
        unsafe cimg_curl_set_offset(handle, option, curl_off_t(self))
    }
}

extension String: CurlOptionValue {
    func set(_ option: CURLoption, on handle: UnsafeMutableRawPointer) -> CURLcode {
        unsafe cimg_curl_set_string(handle, option, self)
    }
}

extension Array: CurlOptionValue where Element == UInt8 {
    func set(_ option: CURLoption, on handle: UnsafeMutableRawPointer) -> CURLcode {
        unsafe withUnsafeBytes { unsafe cimg_curl_set_blob(handle, option, $0.baseAddress, $0.count) }
    }
}
