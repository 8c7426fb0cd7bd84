import ImgReport

@testable import ImgCredentials

extension World {
    /// The chain with everything that this world holds.
    func chain(
        profile: String? = nil,
        mfaCode: (@Sendable (_ serial: String) async throws -> String)? = nil
    ) -> AWSCredentialChain {
        AWSCredentialChain(client: AWSClient(context: context), profile: profile, mfaCode: mfaCode)
    }

    func credentials(
        profile: String? = nil,
        mfaCode: (@Sendable (_ serial: String) async throws -> String)? = nil
    ) async throws(BuildError) -> AWSCredentials {
        try await chain(profile: profile, mfaCode: mfaCode).credentials(fallbackRegion: "eu-west-1")
    }

    func failure(profile: String? = nil) async -> BuildError? {
        await buildError { () throws(BuildError) in try await credentials(profile: profile) }
    }
}

/// What STS answers.
func stsReply(_ action: String, id: String = "ASIAROLE", expiration: String = "2026-01-02T04:04:05Z") -> CredentialReply
{
    .json(
        """
        <\(action)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><\(action)Result>
        <Credentials><AccessKeyId>\(id)</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>
        <SessionToken>role-token</SessionToken><Expiration>\(expiration)</Expiration></Credentials>
        <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>
        </\(action)Result></\(action)Response>
        """
    )
}

func stsError(_ code: String, status: Int = 400) -> CredentialReply {
    .json(
        "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>told so</Message></Error></ErrorResponse>",
        status: status
    )
}
