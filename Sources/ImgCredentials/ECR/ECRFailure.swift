import ImgReport

extension ECRClient {
    /// A refusal of the API in words, with what to do about it.
    func failure(_ failure: AWSClient.Failure, action: String, repository: String?) -> BuildError {
        let subject = repository.map { "repository \($0) at \(registry.host)" } ?? registry.host
        var notes = ["identity: AWS access key \(credentials.maskedKeyID) from \(credentials.source)"]
        guard case .api(let error) = failure else {
            return BuildError(
                failure.code,
                "Amazon ECR did not answer \(action) for \(subject): \(failure.text)",
                notes: notes,
                hints: hints(for: failure)
            )
        }
        if !error.message.isEmpty { notes.insert("AWS: \"\(error.message)\"", at: 0) }
        let name = error.code.isEmpty ? "status \(error.status)" : error.code
        return BuildError(
            failure.code,
            "Amazon ECR refused \(action) for \(subject): \(cause(of: error) ?? name)",
            notes: notes,
            hints: hints(for: error, action: action)
        )
    }

    func malformed(_ action: String) -> BuildError {
        BuildError(.failure, "Amazon ECR's reply to \(action) for \(registry.host) is not what its API documents")
    }

    private func hints(for failure: AWSClient.Failure) -> [String] {
        var hints: [String] = []
        if case .transport(let error) = failure, error.code == .unresolved, !registry.isPublic {
            hints.append("check the region: the host name says \(registry.region)")
        }
        if failure.code == .network { hints.append("check the network and proxy settings") }
        return hints
    }

    private func cause(of error: AWSAPIError) -> String? {
        if error.mayBeClockSkew { return "signature rejected; the secret key is wrong or the local clock is off" }
        switch error.code {
        case "AccessDeniedException": return "access denied"
        case "ExpiredTokenException", "ExpiredToken": return "the AWS session expired"
        case "UnrecognizedClientException", "InvalidClientTokenId": return "AWS does not know the access key"
        case "KmsException": return "the encryption key cannot be used (KmsException)"
        case "BlockedByOrganizationPolicyException": return "blocked by the organisation's policy"
        case "LimitExceededException": return "the account's quota is exhausted"
        default: return error.isThrottling ? "rate limit exceeded" : nil
        }
    }

    private func hints(for error: AWSAPIError, action: String) -> [String] {
        if error.mayBeClockSkew { return ["synchronise the clock, and check the secret access key"] }
        switch error.code {
        case "AccessDeniedException":
            var permissions = ["\(registry.permissionPrefix):\(action)"]
            if registry.isPublic && action == "GetAuthorizationToken" {
                permissions.append("sts:GetServiceBearerToken")
            }
            var hints = ["allow \(permissions.joined(separator: " and ")) on * for this identity"]
            if action == "CreateRepository", let account = registry.account {
                hints = [
                    "allow ecr:CreateRepository for this identity",
                    "repositories in another account are created there: the host names account \(account)",
                ]
            }
            return hints
        case "ExpiredTokenException", "ExpiredToken": return ["renew the session, for example with `aws sso login`"]
        case "UnrecognizedClientException", "InvalidClientTokenId":
            return ["check AWS_PROFILE and the access key; keys of one partition are unknown in the others"]
        case "KmsException": return ["check the key's policy and state"]
        case "BlockedByOrganizationPolicyException": return ["ask the administrators of the AWS organisation"]
        case "LimitExceededException": return ["raise the quota in Service Quotas"]
        default: return error.isThrottling ? ["try again later, or raise the quota in Service Quotas"] : []
        }
    }
}
