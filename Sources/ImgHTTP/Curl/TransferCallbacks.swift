import CImgCurl
import CImgCurlShims
import Glibc

/// The C functions that libcurl calls on the loop's thread, each with its transfer as context.
enum TransferCallbacks {
    static var write: cimg_curl_io {
        { bytes, size, count, context in
            guard let transfer = unsafe TransferCallbacks.owner(of: context), let bytes = unsafe bytes else { return 0 }
            return unsafe transfer.received(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
    }

    static var header: cimg_curl_io {
        { bytes, size, count, context in
            guard let transfer = unsafe TransferCallbacks.owner(of: context), let bytes = unsafe bytes else { return 0 }
            let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            return unsafe transfer.receivedHeader(String(decoding: line, as: UTF8.self)) ? size * count : 0
        }
    }

    static var read: cimg_curl_io {
        { bytes, size, count, context in
            guard let transfer = unsafe TransferCallbacks.owner(of: context), let bytes = unsafe bytes else {
                return Int(CURL_READFUNC_ABORT)
            }
            return unsafe transfer.fill(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
        }
    }

    static var seek: cimg_curl_seek {
        { context, offset, origin in
            guard let transfer = unsafe TransferCallbacks.owner(of: context),
                transfer.seek(to: Int64(offset), origin: origin)
            else {
                return CURL_SEEKFUNC_FAIL
            }
            return CURL_SEEKFUNC_OK
        }
    }

    static var progress: cimg_curl_progress {
        { context, _, downloaded, _, uploaded in
            guard let transfer = unsafe TransferCallbacks.owner(of: context) else { return 1 }
            return transfer.moved(sent: Int64(uploaded), received: Int64(downloaded)) ? 0 : 1
        }
    }

    static var openSocket: curl_opensocket_callback {
        { context, _, address in
            guard let transfer = unsafe TransferCallbacks.owner(of: context), let address = unsafe address else {
                return CURL_SOCKET_BAD
            }
            var bytes = [UInt8](repeating: 0, count: 16)
            let count = unsafe cimg_curl_address(address, &bytes)
            guard transfer.mayConnect(to: IPAddress(bytes: Array(bytes.prefix(Int(count))))) else {
                return CURL_SOCKET_BAD
            }
            let kind = unsafe address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
            return unsafe socket(address.pointee.family, kind, address.pointee.protocol)
        }
    }

    private static func owner(of context: UnsafeMutableRawPointer?) -> Transfer? {
        unsafe context.map { unsafe Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }
}
