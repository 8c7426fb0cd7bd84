import CImgCurl
import CImgCurlShims

/// All transfers of a client and their connections, used on the loop's thread only.
@safe
final class MultiHandle {
    private let raw: UnsafeMutableRawPointer

    init?() {
        // Thread-safe since libcurl 7.84, and counted.
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK else { return nil }
        guard let raw = unsafe curl_multi_init() else {
            curl_global_cleanup()
            return nil
        }
        unsafe self.raw = raw
    }

    deinit {
        unsafe curl_multi_cleanup(raw)
        curl_global_cleanup()
    }

    func limitConnections(perHost: Int) {
        unsafe cimg_curl_multi_set_long(raw, CURLMOPT_MAX_HOST_CONNECTIONS, max(1, perHost))
        unsafe cimg_curl_multi_set_long(raw, CURLMOPT_MAXCONNECTS, 64)
    }

    func add(_ easy: EasyHandle) -> Bool {
        unsafe curl_multi_add_handle(raw, easy.raw) == CURLM_OK
    }

    func remove(_ easy: EasyHandle) {
        unsafe curl_multi_remove_handle(raw, easy.raw)
    }

    /// Moves whatever can be moved without waiting.
    func perform() {
        var running: Int32 = 0
        unsafe curl_multi_perform(raw, &running)
    }

    /// Waits for sockets, timers, or the descriptor.
    /// - Returns: Whether the descriptor is readable.
    func wait(milliseconds: Int32, descriptor: Int32) -> Bool {
        var count: Int32 = 0
        guard descriptor >= 0 else {
            // Nobody can call: look for commands often.
            unsafe curl_multi_poll(raw, nil, 0, min(milliseconds, 20), &count)
            return false
        }
        var extra = curl_waitfd(fd: descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        unsafe curl_multi_poll(raw, &extra, 1, milliseconds, &count)
        return extra.revents != 0
    }

    /// The next finished transfer.
    func nextFinished() -> (handle: UInt, code: CURLcode)? {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(raw, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
            return unsafe (UInt(bitPattern: message.pointee.easy_handle), cimg_curl_message_result(message))
        }
        return nil
    }
}
