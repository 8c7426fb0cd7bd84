import ImgCredentials
import ImgOCI

/// What a token says of itself, for people only: what it is good for is the registry's to judge (AUTH-21).
///
/// - SeeAlso: <https://distribution.github.io/distribution/spec/auth/jwt/>
enum TokenClaims {
    /// The rights in the `access` claim of a signed token; nil when it is opaque or doesn't speak of rights.
    static func access(of token: Secret) -> [Scope]? {
        let parts = token.exposed.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3,
            let payload = Base64.decode(String(parts[1]).replacing("-", with: "+").replacing("_", with: "/")),
            let entries = (try? JSON.parse(payload))?["access"]?.arrayValue
        else { return nil }
        return entries.compactMap { entry in
            guard let type = entry["type"]?.stringValue, let name = entry["name"]?.stringValue else { return nil }
            let actions = (entry["actions"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ",")
            return Scope(parsing: "\(type):\(name):\(actions)")
        }
    }
}
