import ImgOCI

/// Signs requests with AWS Signature Version 4 (SIG-1…7).
struct SigV4Signer: Sendable {
    private static let algorithm = "AWS4-HMAC-SHA256"
    /// Headers that may change on the way or are not ours to promise (SIG-3).
    private static let unsigned: Set<String> = [
        "authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id",
    ]

    let credentials: AWSCredentials
    let region: String
    let service: String

    /// The steps of a signature, for tests against published vectors.
    struct Steps: Hashable, Sendable {
        var canonicalRequest: String
        var signedHeaders: String
        var signingKey: [UInt8]
        var signature: String
    }

    /// Adds `Host`, `X-Amz-Date`, the session token and `Authorization`.
    ///
    /// Everything else that is to be signed must be among the headers already. URLs that have no host are returned
    /// unsigned: sending them fails anyway.
    func signed(_ request: CredentialRequest, at time: Timestamp) -> CredentialRequest {
        guard let url = AWSURL(request.url) else { return request }
        var request = request
        let stamp = Self.amzDate(time)
        if request.headers.value(of: "host") == nil { request.headers.append(CredentialHeader("Host", url.hostHeader)) }
        request.headers.append(CredentialHeader("X-Amz-Date", stamp))
        if let token = credentials.sessionToken {
            request.headers.append(CredentialHeader("X-Amz-Security-Token", token.exposed))
        }
        let steps = self.steps(for: request, url: url, stamp: stamp)
        let value =
            "\(Self.algorithm) Credential=\(credentials.accessKeyID)/\(scope(stamp)), "
            + "SignedHeaders=\(steps.signedHeaders), Signature=\(steps.signature)"
        request.headers.append(CredentialHeader("Authorization", value))
        return request
    }

    /// Signs a request whose headers are complete but for `Authorization`.
    func steps(for request: CredentialRequest, url: AWSURL, stamp: String) -> Steps {
        let headers = request.headers
            .map { (name: $0.name.lowercased(), value: Self.collapsed($0.value)) }
            .filter { !Self.unsigned.contains($0.name) && !$0.name.hasPrefix("accept") }
            .sorted { $0.name < $1.name }
        let names = headers.map(\.name).joined(separator: ";")
        let canonical = [
            request.method, url.canonicalPath, url.canonicalQuery,
            headers.map { "\($0.name):\($0.value)\n" }.joined(), names, Hex.encode(Hashing.sha256(request.body)),
        ]
        .joined(separator: "\n")
        let toSign = [Self.algorithm, stamp, scope(stamp), Hex.encode(Hashing.sha256(Array(canonical.utf8)))]
            .joined(separator: "\n")
        let key = signingKey(date: String(stamp.prefix(8)))
        return Steps(
            canonicalRequest: canonical,
            signedHeaders: names,
            signingKey: key,
            signature: Hex.encode(Hashing.hmacSHA256(key: key, Array(toSign.utf8)))
        )
    }

    /// `20260102T030405Z`.
    static func amzDate(_ time: Timestamp) -> String {
        Timestamp(seconds: time.seconds).rfc3339.filter { $0 != "-" && $0 != ":" }
    }

    private func scope(_ stamp: String) -> String { "\(stamp.prefix(8))/\(region)/\(service)/aws4_request" }

    private func signingKey(date: String) -> [UInt8] {
        [date, region, service, "aws4_request"]
            .reduce(Array("AWS4\(credentials.secretAccessKey.exposed)".utf8)) {
                Hashing.hmacSHA256(key: $0, Array($1.utf8))
            }
    }

    private static func collapsed(_ value: String) -> String {
        value.split(separator: " ").joined(separator: " ")
    }
}

/// An absolute http or https URL, as far as signing and endpoint rules look at it.
struct AWSURL: Hashable, Sendable {
    let scheme: String
    /// Lower case, with brackets around an IPv6 address.
    let host: String
    let port: Int?
    /// Percent-encoded as given.
    let path: String
    /// Without the question mark.
    let query: String

    init?(_ text: String) {
        guard let separator = text.firstRange(of: "://") else { return nil }
        scheme = text[..<separator.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let rest = text[separator.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        // User info has no place in an endpoint, and a host behind it would slip past the rules below.
        guard !authority.contains("@"), !Secret(text).hasControlCharacters, !text.contains(" ") else { return nil }
        let target = rest.dropFirst(authority.count)
        path = String(target.prefix { $0 != "?" })
        query = String(target.drop { $0 != "?" }.dropFirst())
        let hostEnd =
            authority.hasPrefix("[")
            ? authority.firstIndex(of: "]").map { authority.index(after: $0) } ?? authority.endIndex
            : authority.firstIndex(of: ":") ?? authority.endIndex
        host = authority[..<hostEnd].lowercased()
        let portText = authority[hostEnd...].dropFirst()
        guard !host.isEmpty, portText.isEmpty || UInt16(portText) != nil else { return nil }
        port = UInt16(portText).map(Int.init)
    }

    /// The port only when it isn't the scheme's own (SIG-2).
    var hostHeader: String {
        guard let port, port != (scheme == "https" ? 443 : 80) else { return host }
        return "\(host):\(port)"
    }

    /// 127.0.0.0/8, `[::1]` and `localhost`.
    var isLoopback: Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return octets.count == 4 && octets.allSatisfy { $0 != nil } && octets[0] == 127
    }

    /// Every segment encoded once more, as services other than S3 want it (SIG-4).
    var canonicalPath: String { path.isEmpty ? "/" : Self.encode(path, keeping: [UInt8(ascii: "/")]) }

    var canonicalQuery: String {
        query.split(separator: "&")
            .map { pair in
                let name = pair.prefix { $0 != "=" }
                return (String(name), String(pair.dropFirst(name.count).dropFirst()))
            }
            .sorted { $0 < $1 }
            .map { "\($0)=\($1)" }
            .joined(separator: "&")
    }

    /// Percent-encodes all but the unreserved characters.
    static func encode(_ text: String, keeping kept: Set<UInt8> = []) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(byte)
            case _ where kept.contains(byte): out.append(byte)
            default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// `application/x-www-form-urlencoded`, members in the order given.
    static func form(_ members: [(String, String)]) -> [UInt8] {
        Array(members.map { "\(encode($0))=\(encode($1))" }.joined(separator: "&").utf8)
    }
}
