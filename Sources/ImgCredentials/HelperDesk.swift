import ImgOCI
import ImgReport

/// Asks credential helpers, each question once per period (HLP-7).
struct HelperDesk: Sendable {
    /// How long answers are kept: workload identities hand out secrets of five minutes (AUTH-25).
    static let period: Int64 = 290

    struct Question: Hashable, Sendable {
        let suffix: String
        let serverKey: String
    }

    /// A helper's answer; failures are answers too, so that they are told once.
    typealias Answer = Result<Credential?, CredentialHelper.Failure>

    let context: CredentialContext
    let timeLimit: Duration
    private let cache = ExpiringCache<Question, Answer>()

    init(context: CredentialContext, timeLimit: Duration) {
        self.context = context
        self.timeLimit = timeLimit
    }

    func helper(_ suffix: String) -> CredentialHelper {
        CredentialHelper(suffix: suffix, context: context, timeLimit: timeLimit)
    }

    /// - Parameter whenFailed: Called by the one who asked when the helper failed, not for kept failures.
    func ask(
        _ question: Question,
        whenFailed: @escaping @Sendable (CredentialHelper.Failure) -> Void
    ) async throws(BuildError) -> Answer {
        let now = context.environment.now()
        do {
            return try await cache.value(for: question, at: now) {
                let answer: Answer
                do {
                    answer = .success(try await helper(question.suffix).get(question.serverKey))
                } catch let failure as CredentialHelper.Failure {
                    try Task.checkCancellation()
                    whenFailed(failure)
                    answer = .failure(failure)
                }
                return Aging(value: answer, staleAt: Timestamp(seconds: now.seconds + Self.period))
            }
        } catch {
            throw BuildError(.interrupted, "docker-credential-\(question.suffix) was cancelled")
        }
    }

    func forget(_ key: RegistryKey) {
        cache.forget { key.match(among: [$0.serverKey]) != nil }
    }
}
