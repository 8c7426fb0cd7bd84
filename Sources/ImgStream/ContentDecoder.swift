import CImgZlib

/// Undoes the gzip coding of a body as its bytes arrive, with memory that doesn't depend on what they say.
@safe package final class ContentDecoder {
    /// zlib keeps a pointer to it: it must not move.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var input: ArraySlice<UInt8> = []
    /// Whether the body may end here.
    package private(set) var isComplete = false

    package init() throws(StreamError) {
        unsafe stream.initialize(to: z_stream())
        // 15 bits of window, 16 for a gzip header.
        let status = unsafe inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw StreamError(.tooLarge, "out of memory") }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Takes further encoded bytes.
    package func feed(_ bytes: [UInt8]) { input += bytes }

    /// The next decoded bytes, at most 64 KiB; empty when that takes more input.
    package func next() throws(StreamError) -> [UInt8] {
        var status = Z_OK
        let decoded = unsafe [UInt8](unsafeUninitializedCapacity: 64 << 10) { output, count in
            unsafe stream.pointee.next_out = output.baseAddress
            unsafe stream.pointee.avail_out = UInt32(output.count)
            status = inflate(from: &input)
            count = unsafe output.count - Int(stream.pointee.avail_out)
        }
        guard status == Z_OK || status == Z_BUF_ERROR || status == Z_STREAM_END else {
            let text = unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "error \(status)"
            throw StreamError(.corrupt, "invalid gzip data: \(text)")
        }
        return decoded
    }

    /// Inflates until there is output, or nothing left to make it from.
    private func inflate(from input: inout ArraySlice<UInt8>) -> Int32 {
        var status = Z_OK
        while !input.isEmpty, status == Z_OK || status == Z_STREAM_END {
            // Members follow one another.
            if isComplete { unsafe inflateReset(stream) }
            let before = unsafe stream.pointee.avail_out
            let used = unsafe input.withUnsafeBytes { bytes in
                unsafe stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                )
                unsafe stream.pointee.avail_in = UInt32(clamping: bytes.count)
                let offered = unsafe stream.pointee.avail_in
                status = unsafe CImgZlib.inflate(stream, Z_NO_FLUSH)
                return unsafe Int(offered - stream.pointee.avail_in)
            }
            input.removeFirst(used)
            isComplete = status == Z_STREAM_END
            if unsafe stream.pointee.avail_out < before { break }
        }
        return status
    }
}
