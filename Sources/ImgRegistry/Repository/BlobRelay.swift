import ImgOCI
import ImgStream

/// A blob on its way from one repository to another, in requests for parts of it: the last of them gets its last bytes only
/// if all have the digest.
///
/// Parts that follow one another are hashed as they pass. When one is sent again, the blob is read from its beginning.
actor BlobRelay {
    private let session: Session
    private let descriptor: Descriptor
    private var check: DigestCheck
    /// Bytes that ``check`` has been fed.
    private var position: Int64 = 0
    /// Tells the part that is being read from those that were given up.
    private var turn = 0

    init(_ descriptor: Descriptor, session: Session) {
        self.session = session
        self.descriptor = descriptor
        check = DigestCheck(descriptor.digest.algorithm)
    }

    /// The bytes in `range`, chunk by chunk.
    func open(_ range: Range<Int64>) -> @Sendable () async throws -> [UInt8]? {
        if range.lowerBound != position {
            check = DigestCheck(descriptor.digest.algorithm)
            position = 0
        }
        turn += 1
        let turn = turn
        let stream = BlobStream(session: session, descriptor: descriptor, from: position, isChecked: false)
        return { try await self.next(of: stream, in: range, turn) }
    }

    private func next(of stream: BlobStream, in range: Range<Int64>, _ turn: Int) async throws -> [UInt8]? {
        while position < range.upperBound, let chunk = try await stream.next() {
            guard turn == self.turn else { throw CancellationError() }
            let start = position
            let passed = Array(chunk.prefix(Int(clamping: range.upperBound - start)))
            check.update(passed)
            position += Int64(passed.count)
            if position == descriptor.size, !check.matches(descriptor.digest) { throw await stream.mismatch }
            guard position > range.lowerBound else { continue }
            return start < range.lowerBound ? Array(passed.dropFirst(Int(range.lowerBound - start))) : passed
        }
        return nil
    }
}
