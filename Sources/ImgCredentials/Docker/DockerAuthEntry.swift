import ImgOCI

/// One entry of `auths`.
struct DockerAuthEntry: Hashable, Sendable {
    /// Why an entry gives no credential; `reason` continues a sentence about the entry.
    struct Malformed: Error, Hashable {
        let reason: String
    }

    /// base64(`user:password`); beats the separate members (CFG-3).
    var auth: Secret?
    var user: String?
    var password: Secret?
    var identityToken: Secret?
    var registryToken: Secret?

    init(_ members: JSONObject) {
        func secret(_ name: String) -> Secret? {
            members[name]?.stringValue.flatMap { $0.isEmpty ? nil : Secret($0) }
        }
        auth = secret("auth")
        user = members["username"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        password = secret("password")
        identityToken = secret("identitytoken")
        registryToken = secret("registrytoken")
    }

    /// - Returns: nil for an entry without any secret.
    func credential() throws(Malformed) -> Credential? {
        if let registryToken {
            guard !registryToken.hasControlCharacters else {
                throw Malformed(reason: "has a `registrytoken` with control characters")
            }
            return .registryToken(registryToken)
        }
        var pair = (user: user ?? "", password: password ?? Secret(""))
        if let auth { pair = try Self.decode(auth) }
        if let identityToken {
            return .identityToken(user: pair.user.isEmpty ? nil : pair.user, identityToken)
        }
        return pair.user.isEmpty && pair.password.isEmpty ? nil : .basic(user: pair.user, password: pair.password)
    }

    private static func decode(_ auth: Secret) throws(Malformed) -> (user: String, password: Secret) {
        guard let bytes = Base64.decode(auth.exposed) else {
            throw Malformed(reason: "has an `auth` that is not base64")
        }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            throw Malformed(reason: "has an `auth` without a colon between user and password")
        }
        var password = bytes[(colon + 1)...]
        // Old versions of Docker padded the password with NUL bytes.
        while password.last == 0 { password.removeLast() }
        guard let user = String(validating: bytes[..<colon], as: UTF8.self),
            let text = String(validating: password, as: UTF8.self)
        else { throw Malformed(reason: "has an `auth` that is not UTF-8") }
        return (user, Secret(text))
    }
}
