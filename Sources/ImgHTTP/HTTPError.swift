/// A transfer that failed below HTTP, or a request that could not be sent; a status is no error.
package struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// What failed.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        package let description: String

        private init(_ description: String) {
            self.description = description
        }

        package static let resolve = Code("resolve")
        package static let connect = Code("connect")
        /// The name leads to an address that the request refuses.
        package static let addressRefused = Code("addressRefused")
        /// The server's certificate is not acceptable.
        package static let tlsVerify = Code("tlsVerify")
        package static let tlsHandshake = Code("tlsHandshake")
        /// Clear text came back where TLS was spoken (`SCH-3`).
        package static let plainHTTPPeer = Code("plainHTTPPeer")
        package static let timeout = Code("timeout")
        /// No byte moved for too long.
        package static let stalled = Code("stalled")
        package static let proxy = Code("proxy")
        package static let sendFailed = Code("sendFailed")
        package static let receiveFailed = Code("receiveFailed")
        /// The connection ended before the announced end of the body.
        package static let partialBody = Code("partialBody")
        /// More bytes than the caller allows.
        package static let tooLarge = Code("tooLarge")
        package static let invalidRequest = Code("invalidRequest")
        package static let cancelled = Code("cancelled")
        /// The request's body could not be read, or was not as long as announced.
        package static let bodySource = Code("bodySource")
        package static let protocolError = Code("protocolError")
    }

    /// Whether the same request may succeed later (`RETRY-2`).
    package enum Retry: Sendable {
        case never
        /// Worth it if the host has worked before, else twice at most.
        case ifHostWorked
        case yes
    }

    package var code: Code
    /// What failed, naming host and port, and the plain cause, without secrets.
    package var message: String
    package var retry: Retry
    /// libcurl's result, where it gave one.
    package var curlCode: Int32?
    /// Body bytes moved before the failure.
    package var sent: Int64 = 0
    package var received: Int64 = 0
    /// Masked.
    package var url: String

    package init(_ code: Code, _ message: String, url: String, retry: Retry = .never, curlCode: Int32? = nil) {
        self.code = code
        self.message = message
        self.url = URLMask.mask(url)
        self.retry = retry
        self.curlCode = curlCode
    }

    /// The plain cause alone, for those who have said themselves what failed.
    package var cause: String {
        guard let colon = message.firstRange(of: ": ") else { return message }
        return String(message[colon.upperBound...])
    }

    package var description: String { "\(message) (\(url))" }
}
