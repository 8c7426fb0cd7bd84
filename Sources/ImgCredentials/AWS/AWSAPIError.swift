import ImgOCI

/// What a service of AWS answered instead of a result (ECR-22).
struct AWSAPIError: Error, Hashable, Sendable {
    var status: Int
    /// The exception's bare name, such as `AccessDeniedException`; empty when the reply has none.
    var code: String
    /// Cleaned for display.
    var message: String

    private static let throttling: Set<String> = [
        "RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException",
    ]
    private static let clock: Set<String> = [
        "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
    ]
    private static let credentials: Set<String> = [
        "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature",
        "InvalidClientTokenId", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
        "UnauthorizedException", "UnrecognizedClientException",
    ]

    init(status: Int, code: String, message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// Reads the forms of the JSON and the query protocol.
    init(_ reply: CredentialReply) {
        status = reply.status
        var name = reply.headers.value(of: "x-amzn-ErrorType")
        var text: String?
        if let object = try? JSON.parse(reply.body).objectValue {
            name = name ?? object["__type"]?.stringValue ?? object["code"]?.stringValue ?? object["error"]?.stringValue
            text = (object["message"] ?? object["Message"] ?? object["error_description"])?.stringValue
        } else if let document = XMLText(parsing: reply.body) {
            name = name ?? document.text("Error", "Code")
            text = document.text("Error", "Message")
        }
        code = ForeignText.line(Self.bareName(name ?? ""))
        message = ForeignText.line(text ?? "")
    }

    /// `com.amazonaws.ecr#AccessDeniedException:http://…` -> `AccessDeniedException`.
    private static func bareName(_ name: String) -> String {
        let afterHash = name.lastIndex(of: "#").map { name[name.index(after: $0)...] } ?? name[...]
        return String(afterHash.prefix { $0 != ":" })
    }

    var isRetryable: Bool {
        status >= 500 || status == 429 || Self.throttling.contains(code) || code == "ServerException"
    }
    var isThrottling: Bool { status == 429 || Self.throttling.contains(code) }
    /// The reply to a request whose time or key is wrong (SIG-9).
    var mayBeClockSkew: Bool { Self.clock.contains(code) }
    var isAboutCredentials: Bool { Self.credentials.contains(code) || mayBeClockSkew || status == 401 || status == 403 }

    /// `AccessDeniedException (status 400): User: arn:… is not authorized`.
    var text: String {
        let name = code.isEmpty ? "status \(status)" : "\(code) (status \(status))"
        return message.isEmpty ? name : "\(name): \(message)"
    }
}
