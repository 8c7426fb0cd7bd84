/// Hides secrets in what is logged or reported (`SEC-7`).
package enum URLMask {
    private static let hidden = "***"

    private static let secretParameters: Set<String> = [
        "x-amz-signature", "x-amz-credential", "x-amz-security-token", "signature", "key-pair-id", "policy", "sig",
        "se",
        "sp", "token", "access_token", "refresh_token", "id_token", "code", "_state", "googleaccessid",
        "x-goog-signature", "x-goog-credential", "awsaccesskeyid", "verify", "jwt", "password", "client_secret",
        "sessiontoken",
    ]

    private static let secretHeaders: Set<String> = [
        "authorization", "proxy-authorization", "x-amz-security-token", "x-aws-ec2-metadata-token",
        "x-amz-sso_bearer_token", "cookie", "set-cookie", "x-registry-auth", "x-registry-config", "private-token",
        "x-jfrog-art-api",
    ]

    private static let urlHeaders: Set<String> = ["location", "link", "referer", "content-location"]

    /// The URL, absolute or relative, without user info and without the values of secret query parameters.
    package static func mask(_ url: String) -> String {
        var head = Substring(url)
        var query: Substring?
        if let mark = head.firstIndex(of: "?") {
            query = head[head.index(after: mark)...]
            head = head[..<mark]
        }
        return maskUserInfo(head) + (query.map { "?" + maskQuery($0) } ?? "")
    }

    /// A text with each absolute URL in it masked.
    package static func maskText(_ text: String) -> String {
        var out = ""
        var rest = Substring(text)
        while !rest.isEmpty {
            let word = rest.prefix { !$0.isWhitespace && !"'\"<>".contains($0) }
            out += word.contains("://") ? mask(String(word)) : String(word)
            rest = rest[word.endIndex...]
            if let mark = rest.popFirst() { out.append(mark) }
        }
        return out
    }

    /// A header's value as it may be printed; of credentials only the scheme is left.
    package static func maskHeader(name: String, value: String) -> String {
        let name = name.lowercased()
        if urlHeaders.contains(name) { return mask(value) }
        guard secretHeaders.contains(name) else { return value }
        guard name.hasSuffix("authorization"), let space = value.firstIndex(of: " ") else { return hidden }
        let scheme = value[..<space]
        guard scheme.utf8.allSatisfy(ASCII.isToken) else { return hidden }
        return "\(scheme) \(hidden)"
    }

    private static func maskUserInfo(_ text: Substring) -> String {
        let start: Substring.Index
        guard let marker = text.firstRange(of: "//") else {
            return String(text)
        }
        start = marker.upperBound
        let rest = text[start...]
        let authority = rest.prefix { $0 != "/" && $0 != "#" }
        guard let at = authority.lastIndex(of: "@") else { return String(text) }
        return text[..<start] + hidden + rest[at...]
    }

    private static func maskQuery(_ query: Substring) -> String {
        query.split(separator: "&", omittingEmptySubsequences: false)
            .map { parameter -> String in
                guard let sign = parameter.firstIndex(of: "=") else { return String(parameter) }
                let name = parameter[..<sign]
                return secretParameters.contains(percentDecoded(name).lowercased())
                    ? "\(name)=\(hidden)" : String(parameter)
            }
            .joined(separator: "&")
    }

    private static func percentDecoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            if byte == 0x25, let code = UInt8(String(rest.prefix(2)) ?? "", radix: 16), rest.count >= 2 {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
