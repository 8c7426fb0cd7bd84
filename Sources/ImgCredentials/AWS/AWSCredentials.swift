package import ImgOCI

/// Keys for signing requests to AWS.
package struct AWSCredentials: Hashable, Sendable {
    package var accessKeyID: String
    package var secretAccessKey: Secret
    package var sessionToken: Secret?
    package var expiration: Timestamp?
    /// For people: `environment variables`, `profile dev, role arn:aws:iam::…`.
    package var source: String

    package init(
        accessKeyID: String,
        secretAccessKey: Secret,
        sessionToken: Secret? = nil,
        expiration: Timestamp? = nil,
        source: String
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiration = expiration
        self.source = source
    }

    /// The access key id down to its last four characters (AWS-19).
    package var maskedKeyID: String { "…" + accessKeyID.suffix(4) }

    /// Whether the values can stand in headers (SEC-11).
    var isWellFormed: Bool {
        !accessKeyID.isEmpty && !secretAccessKey.isEmpty && !Secret(accessKeyID).hasControlCharacters
            && !secretAccessKey.hasControlCharacters && sessionToken?.hasControlCharacters != true
    }
}

extension AWSCredentials {
    /// The JSON that the metadata service, container endpoints and `credential_process` answer with.
    /// - Returns: nil when a key is missing or not fit for a header.
    init?(json: JSONObject, tokenMember: String, source: String) {
        guard let id = json["AccessKeyId"]?.stringValue, let key = json["SecretAccessKey"]?.stringValue else {
            return nil
        }
        let token = json[tokenMember]?.stringValue.flatMap { $0.isEmpty ? nil : Secret($0) }
        self.init(
            accessKeyID: id,
            secretAccessKey: Secret(key),
            sessionToken: token,
            expiration: json["Expiration"]?.stringValue.flatMap { Timestamp(rfc3339: $0) },
            source: source
        )
        guard isWellFormed else { return nil }
    }
}
