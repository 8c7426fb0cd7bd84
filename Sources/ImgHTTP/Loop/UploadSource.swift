import Glibc

/// Where a transfer's body bytes come from; owns the file it opens.
@safe
struct UploadSource: ~Copyable {
    private let exchange: Exchange
    private let file: Int32
    /// Bytes given out since the start of the body.
    private var position: Int64 = 0

    /// Opens the body's file, if it is one.
    init(exchange: Exchange) throws(HTTPError) {
        self.exchange = exchange
        guard case .file(let path, _, _) = exchange.request.body else {
            file = -1
            return
        }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let cause = unsafe String(cString: strerror(errno))
            throw HTTPError(.bodySource, "cannot open \(path): \(cause)", url: exchange.request.url)
        }
        file = descriptor
    }

    deinit {
        if file >= 0 {
            close(file)
        }
    }

    mutating func fill(_ target: UnsafeMutableRawBufferPointer) -> SendBuffer.Fill {
        let result: SendBuffer.Fill
        switch exchange.request.body {
        case .none, .empty:
            result = .end
        case .bytes(let bytes):
            let count = min(target.count, bytes.count - Int(position))
            unsafe target[..<count].copyBytes(from: bytes[Int(position)..<Int(position) + count])
            result = count > 0 ? .bytes(count) : .end
        case .file(let path, let offset, let length):
            result = unsafe read(path, from: offset, length: length, into: target)
        case .stream:
            exchange.startSource()
            result = unsafe exchange.outgoing?.fill(target) ?? .end
        }
        if case .bytes(let count) = result {
            position += Int64(count)
        }
        return result
    }

    /// Goes back for another try at the same body; a stream cannot, once it has begun, and some requests must not.
    mutating func seek(to offset: Int64) -> Bool {
        if case .stream = exchange.request.body { return offset == position }
        guard exchange.request.isRepeatable || offset == position,
            (0...exchange.request.body.length).contains(offset)
        else { return false }
        position = offset
        return true
    }

    private func read(
        _ path: String,
        from offset: Int64,
        length: Int64,
        into target: UnsafeMutableRawBufferPointer
    ) -> SendBuffer.Fill {
        let wanted = min(Int64(target.count), length - position)
        guard wanted > 0 else { return .end }
        while true {
            let count = unsafe pread(file, target.baseAddress, Int(wanted), off_t(offset + position))
            if count > 0 { return .bytes(count) }
            if count < 0, errno == EINTR { continue }
            let cause = count == 0 ? "it is shorter than expected" : unsafe String(cString: strerror(errno))
            return .failure(HTTPError(.bodySource, "cannot read \(path): \(cause)", url: exchange.request.url))
        }
    }
}
