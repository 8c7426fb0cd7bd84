import Synchronization

/// Body bytes that one or more requests have moved, for a renderer to sample.
package final class TransferCounter: Sendable {
    private let sent = Atomic<Int64>(0)
    private let received = Atomic<Int64>(0)

    package init() {}

    /// Body bytes handed to the network; falls when a body is sent again from the start.
    package var bytesSent: Int64 { sent.load(ordering: .relaxed) }
    /// Body bytes that have arrived.
    package var bytesReceived: Int64 { received.load(ordering: .relaxed) }

    func add(sent: Int64, received: Int64) {
        if sent != 0 { self.sent.add(sent, ordering: .relaxed) }
        if received != 0 { self.received.add(received, ordering: .relaxed) }
    }
}
