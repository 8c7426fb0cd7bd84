/// The client's limits of silence.
struct TransferLimits {
    var stall: Duration
    var reply: Duration
}

/// Watches how long a transfer has been silent (`NET-6`).
///
/// libcurl's own low-speed limit would also run while the server works on an upload that is complete.
struct TransferClock {
    private let bodyLength: Int64
    private let answersQuickly: Bool
    private(set) var sent: Int64 = 0
    private(set) var received: Int64 = 0
    let started = ContinuousClock.now
    private var lastMove = ContinuousClock.now
    private var hasHead = false

    init(bodyLength: Int64, answersQuickly: Bool) {
        self.bodyLength = bodyLength
        self.answersQuickly = answersQuickly
    }

    /// Starts the silence anew.
    mutating func touch() {
        lastMove = .now
    }

    mutating func headArrived() {
        hasHead = true
        touch()
    }

    /// Whether body bytes are still to be sent.
    var isSending: Bool { sent < bodyLength }

    /// Notes the totals; a pause of our own is not the peer's silence.
    mutating func note(sent: Int64, received: Int64, paused: Bool) {
        if paused || sent != self.sent || received != self.received {
            touch()
        }
        self.sent = sent
        self.received = received
    }

    /// What has taken too long, if anything.
    func overdue(_ limits: TransferLimits) -> String? {
        let waitsForReply = !hasHead && sent >= bodyLength && !answersQuickly
        let limit = waitsForReply ? limits.reply : limits.stall
        guard ContinuousClock.now - lastMove > limit else { return nil }
        return waitsForReply
            ? "no answer within \(limit) after the request was sent" : "no data moved for \(limit)"
    }
}
