import CImgCurl
import CImgCurlShims

/// libcurl refused an option, for example a URL it cannot read.
struct CurlRefusal: Error {
    let code: CURLcode
}

/// An easy handle and the memory it borrows, used on the loop's thread only.
@safe
final class EasyHandle {
    let raw: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private var headers: UnsafeMutablePointer<curl_slist>?

    init?() {
        guard let raw = unsafe curl_easy_init() else { return nil }
        unsafe self.raw = raw
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        unsafe curl_easy_cleanup(raw)
        unsafe curl_slist_free_all(headers)
        unsafe errorText.deallocate()
    }

    /// What identifies the handle in libcurl's messages.
    var identity: UInt { unsafe UInt(bitPattern: raw) }

    /// Forgets all options but keeps caches and buffers, ready for the next transfer.
    func reset() {
        unsafe curl_easy_reset(raw)
        unsafe curl_slist_free_all(headers)
        unsafe headers = nil
        unsafe errorText.pointee = 0
    }

    /// libcurl's own words about the failure; empty if it has none.
    var errorMessage: String { unsafe String(cString: errorText) }

    func set<Value: CurlOptionValue>(_ option: CurlOption<Value>, _ value: Value) throws(CurlRefusal) {
        let code = unsafe value.set(option.raw, on: raw)
        guard code == CURLE_OK else { throw CurlRefusal(code: code) }
    }

    /// Takes back a text that libcurl has by default.
    func unset(_ option: CurlOption<String>) throws(CurlRefusal) {
        let code = unsafe cimg_curl_set_string(raw, option.raw, nil)
        guard code == CURLE_OK else { throw CurlRefusal(code: code) }
    }

    /// Sets the header lines, each `Name: value`, `Name;` for an empty value, or `Name:` to leave one out.
    func setHeaders(_ lines: [String]) throws(CurlRefusal) {
        for line in lines {
            guard let longer = unsafe curl_slist_append(headers, line) else {
                throw CurlRefusal(code: CURLE_OUT_OF_MEMORY)
            }
            unsafe headers = longer
        }
        let code = unsafe cimg_curl_set_list(raw, CURLOPT_HTTPHEADER, headers)
        guard code == CURLE_OK else { throw CurlRefusal(code: code) }
    }

    /// Points libcurl's callbacks at a transfer, which must outlive its stay in the multi handle.
    func setCallbacks(_ transfer: Transfer) {
        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        unsafe cimg_curl_set_pointer(raw, CURLOPT_ERRORBUFFER, errorText)
        unsafe cimg_curl_set_io(raw, CURLOPT_WRITEFUNCTION, TransferCallbacks.write)
        unsafe cimg_curl_set_pointer(raw, CURLOPT_WRITEDATA, context)
        unsafe cimg_curl_set_io(raw, CURLOPT_HEADERFUNCTION, TransferCallbacks.header)
        unsafe cimg_curl_set_pointer(raw, CURLOPT_HEADERDATA, context)
        unsafe cimg_curl_set_io(raw, CURLOPT_READFUNCTION, TransferCallbacks.read)
        unsafe cimg_curl_set_pointer(raw, CURLOPT_READDATA, context)
        unsafe cimg_curl_set_seek(raw, CURLOPT_SEEKFUNCTION, TransferCallbacks.seek)
        unsafe cimg_curl_set_pointer(raw, CURLOPT_SEEKDATA, context)
        unsafe cimg_curl_set_progress(raw, CURLOPT_XFERINFOFUNCTION, TransferCallbacks.progress)
        unsafe cimg_curl_set_pointer(raw, CURLOPT_XFERINFODATA, context)
    }

    /// Asks a transfer before each connection; it must outlive its stay in the multi handle.
    func setAddressCheck(_ transfer: Transfer) {
        unsafe cimg_curl_set_opensocket(raw, CURLOPT_OPENSOCKETFUNCTION, TransferCallbacks.openSocket)
        unsafe cimg_curl_set_pointer(raw, CURLOPT_OPENSOCKETDATA, Unmanaged.passUnretained(transfer).toOpaque())
    }

    /// Pauses or resumes the directions.
    func setPaused(receive: Bool, send: Bool) {
        unsafe curl_easy_pause(raw, (receive ? CURLPAUSE_RECV : 0) | (send ? CURLPAUSE_SEND : 0))
    }

    func number(_ info: CURLINFO) -> Int {
        var value = 0
        unsafe cimg_curl_get_long(raw, info, &value)
        return value
    }

    func text(_ info: CURLINFO) -> String? {
        var value: UnsafePointer<CChar>?
        unsafe cimg_curl_get_string(raw, info, &value)
        return unsafe value.map { unsafe String(cString: $0) }
    }
}
