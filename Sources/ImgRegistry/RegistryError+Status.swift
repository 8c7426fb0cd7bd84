import ImgOCI

extension RegistryError {
    /// Reads a refusal: status and answers decide what it means (AUTH-29, RETRY-1, ECR-21).
    mutating func classify(isPullLimit: Bool) {
        guard let status else { return }
        (code, isTransient) = Self.meaning(of: status, self, isPullLimit: isPullLimit)
        if reason.isEmpty { reason = Self.sentence(for: code, status) }
    }

    private static func meaning(of status: Int, _ error: RegistryError, isPullLimit: Bool) -> (Code, Bool) {
        if error.isImmutableTag { return (.immutable, false) }
        // docker-registry puts it so about foreign layers.
        if status >= 500, error.says("MANIFEST_BLOB_UNKNOWN") { return (.blobUnknown, false) }
        switch status {
        case 401: return (.unauthorized, false)
        case 403: return (.denied, false)
        case 404:
            if error.says("BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID") { return (.uploadUnknown, false) }
            if error.says("NAME_UNKNOWN") { return (.repositoryUnknown, false) }
            if error.says("MANIFEST_UNKNOWN") { return (.manifestUnknown, false) }
            if error.says("BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN") { return (.blobUnknown, false) }
            return (.notFound, false)
        case 413: return (.tooLarge, false)
        case 405, 501: return (.unsupported, false)
        case 429: return isPullLimit ? (.rateLimited, false) : (.unavailable, true)
        case 408, 425, 499, 500, 502, 503, 504, 522, 524: return (.unavailable, true)
        case 507: return (.refused, false)
        case 300...399: return (.protocol, false)
        case 400...499:
            if error.says("BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID") { return (.uploadUnknown, false) }
            if error.says("TOOMANYREQUESTS") { return (.unavailable, true) }
            if error.says("MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN") { return (.blobUnknown, false) }
            if error.says("NAME_UNKNOWN") { return (.repositoryUnknown, false) }
            if error.says("DENIED") { return (.denied, false) }
            return (.refused, false)
        case 500...599: return (.unavailable, error.says("UNAVAILABLE", "UNKNOWN", "TOOMANYREQUESTS"))
        default: return (.protocol, false)
        }
    }

    /// The wordings of ECR, Artifact Registry and Harbor (ECR-25, quirks 14, 41, 52).
    private var isImmutableTag: Bool {
        guard let status, [400, 403, 405, 409, 412].contains(status) else { return false }
        if mentions("immutable") || mentions("immutability") { return true }
        return says("TAG_INVALID") && mentions("overwritten")
    }

    private static func sentence(for code: Code, _ status: Int) -> String {
        switch code {
        case .unauthorized: "authentication is required"
        case .denied: "access denied"
        case .notFound: "not found"
        case .repositoryUnknown: "the repository does not exist"
        case .manifestUnknown: "no such tag or digest in this repository"
        case .blobUnknown: "the registry does not have a blob that this needs"
        case .uploadUnknown: "the registry has lost the upload"
        case .rateLimited: "the pull rate limit is reached"
        case .immutable: "the tag exists already and is immutable"
        case .tooLarge: "the body is too large for the registry or a proxy in front of it (status 413)"
        case .unsupported: "the registry does not support this request (status \(status))"
        case .refused where status == 507: "the registry's storage is full (status 507)"
        case .refused: "the registry refused it (status \(status))"
        case .unavailable where status == 429: "too many requests (status 429)"
        case .unavailable: "the registry is not available (status \(status))"
        default: "unexpected status \(status)"
        }
    }
}
