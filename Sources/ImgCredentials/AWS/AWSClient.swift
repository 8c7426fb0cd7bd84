import ImgOCI
import ImgReport
import Synchronization

/// Sends requests to services of AWS: signs, retries, and corrects the clock (SIG-9, ECR-22).
final class AWSClient: Sendable {
    /// Why there is no result.
    enum Failure: Error, Hashable {
        case api(AWSAPIError)
        case transport(CredentialTransportError)
    }

    private static let attempts = 4
    /// Differences below are no reason for a refused signature.
    private static let toleratedSkew: Int64 = 240

    let context: CredentialContext
    /// Seconds that the servers' clock is ahead of ours.
    private let clockOffset = Mutex<Int64>(0)

    init(context: CredentialContext) {
        self.context = context
    }

    var now: Timestamp {
        let now = context.environment.now()
        return Timestamp(seconds: now.seconds + clockOffset.withLock(\.self), nanoseconds: now.nanoseconds)
    }

    /// - Parameters:
    ///   - request: Complete but for the signature.
    ///   - signer: nil for services that don't ask for one.
    /// - Returns: A reply with a 2xx status.
    func send(_ request: CredentialRequest, signer: SigV4Signer? = nil) async throws(Failure) -> CredentialReply {
        var attempt = 1
        var hasCorrectedClock = false
        while true {
            let failure: Failure
            do {
                let time = now
                let reply = try await context.transport.send(signer?.signed(request, at: time) ?? request)
                if (200..<300).contains(reply.status) { return reply }
                let error = AWSAPIError(reply)
                if !hasCorrectedClock, error.mayBeClockSkew, correctClock(by: reply) {
                    hasCorrectedClock = true
                    continue
                }
                failure = .api(error)
            } catch {
                failure = .transport(error)
            }
            guard attempt < Self.attempts, failure.isRetryable else { throw failure }
            do {
                try await context.environment.sleep(Self.delay(afterAttempt: attempt))
            } catch {
                throw .transport(CredentialTransportError(.cancelled, "cancelled"))
            }
            attempt += 1
        }
    }

    /// Doubling from 200 ms, with jitter over the upper half.
    private static func delay(afterAttempt attempt: Int) -> Duration {
        .milliseconds(200 << (attempt - 1)) * Double.random(in: 0.5...1)
    }

    /// - Returns: Whether the reply shows that our clock is off, in which case the offset is kept.
    private func correctClock(by reply: CredentialReply) -> Bool {
        guard let date = reply.headers.value(of: "date").flatMap(HTTPDate.parse) else { return false }
        let offset = date - context.environment.now().seconds
        let known = clockOffset.withLock(\.self)
        guard abs(offset - known) > Self.toleratedSkew else { return false }
        clockOffset.withLock { $0 = offset }
        context.warn(
            "the local clock is \(abs(offset)) s \(offset > 0 ? "behind" : "ahead of") AWS's; signing with theirs",
            hints: ["synchronise the clock"]
        )
        return true
    }
}

extension AWSClient.Failure {
    var isRetryable: Bool {
        switch self {
        case .api(let error): error.isRetryable
        case .transport(let error): error.code == .network || error.code == .timeout
        }
    }

    var code: BuildError.Code {
        switch self {
        case .api(let error): error.isAboutCredentials ? .denied : error.isRetryable ? .network : .failure
        case .transport(let error): error.code == .cancelled ? .interrupted : .network
        }
    }

    var text: String {
        switch self {
        case .api(let error): error.text
        case .transport(let error): ForeignText.line(error.message)
        }
    }
}

extension JSON {
    /// Seconds, whole, with a fraction or with an exponent; nil beyond what can be calculated with.
    var secondsValue: Int64? {
        let seconds: Double? =
            switch self {
            case .integer(let whole): Double(whole)
            case .number(let lexeme): Double(lexeme)
            default: nil
            }
        return seconds.flatMap { abs($0) < 1e12 ? Int64($0) : nil }
    }
}
