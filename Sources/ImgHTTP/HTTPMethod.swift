/// A request method.
package struct HTTPMethod: RawRepresentable, Hashable, Sendable {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package static let get = HTTPMethod(rawValue: "GET")
    package static let head = HTTPMethod(rawValue: "HEAD")
    package static let post = HTTPMethod(rawValue: "POST")
    package static let put = HTTPMethod(rawValue: "PUT")
    package static let patch = HTTPMethod(rawValue: "PATCH")
    package static let delete = HTTPMethod(rawValue: "DELETE")

    /// Whether the answer comes without work on the server that may take minutes.
    var answersQuickly: Bool { self == .get || self == .head }
    /// Whether proxies insist on a `Content-Length` even without a body (`NET-4`).
    var announcesLength: Bool { self == .post || self == .put || self == .patch }
}
