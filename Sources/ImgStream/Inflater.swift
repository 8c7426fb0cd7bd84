import CImgZlib
import CImgZstd
package import ImgOCI

/// Undoes the compression of a layer, recognised by its first bytes whatever the media type says (PULL-19).
///
/// gzip streams may have several members and trailing zeros (PULL-18); zstd may have skippable frames.
package final class Inflater: ByteSource {
    /// Bytes of one layer that are accepted, uncompressed.
    package static let defaultLimit: Int64 = 128 << 30

    private let input: BufferedInput
    private let limit: Int64
    private let decoder: any StreamDecoder
    private let expected: Digest?
    private let check: DigestCheck?
    /// False when the bytes are passed on as they are.
    package let isCompressed: Bool
    /// Uncompressed bytes so far.
    package private(set) var count: Int64 = 0

    /// - Parameters:
    ///   - source: The compressed bytes.
    ///   - diffID: Digest of the uncompressed bytes, compared by ``finish()``.
    package init(
        _ source: any ByteSource,
        expecting diffID: Digest? = nil,
        limit: Int64 = Inflater.defaultLimit
    ) throws(StreamError) {
        input = BufferedInput(source)
        self.limit = limit
        expected = diffID
        check = diffID.map { DigestCheck($0.algorithm) }
        let magic = try input.peek(4)
        if magic.starts(with: [0x1f, 0x8b]) {
            decoder = try GzipDecoder()
        } else if magic.starts(with: [0x28, 0xb5, 0x2f, 0xfd])
            || (magic.count == 4 && magic[0] & 0xf0 == 0x50 && magic[1...].elementsEqual([0x2a, 0x4d, 0x18]))
        {
            decoder = try ZstdDecoder()
        } else {
            decoder = PlainDecoder()
        }
        isCompressed = !(decoder is PlainDecoder)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        guard buffer.count > 0 else { return 0 }
        let produced = unsafe try decoder.decode(input, into: buffer)
        count += Int64(produced)
        guard count <= limit else { throw StreamError(.tooLarge, "more than \(limit) bytes when uncompressed") }
        unsafe check?.update(UnsafeRawBufferPointer(rebasing: buffer[..<produced]))
        return produced
    }

    /// What is neither decoded nor compared can be passed over.
    package func skip(_ count: Int64) -> Int64 {
        guard !isCompressed, check == nil else { return 0 }
        let skipped = input.skip(count)
        self.count += skipped
        return skipped
    }

    /// Reads what is left and compares.
    package func finish() throws(StreamError) {
        try drain()
        if let check, let expected, !check.matches(expected) {
            throw StreamError(.corrupt, "the uncompressed layer does not have the diff ID \(expected)")
        }
    }
}

/// Compressed input in pieces of one buffer.
@safe final class BufferedInput {
    private let source: any ByteSource
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    private var start = 0
    private var end = 0
    private var isAtEnd = false

    init(_ source: any ByteSource) {
        self.source = source
    }

    deinit { unsafe buffer.deallocate() }

    /// What is buffered.
    var available: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(rebasing: buffer[start..<end]) }

    /// Fills the buffer when it is empty; false at the end.
    func fill() throws(StreamError) -> Bool {
        if start < end { return true }
        guard !isAtEnd else { return false }
        start = 0
        end = unsafe try source.read(into: buffer)
        isAtEnd = end == 0
        return end > 0
    }

    func consume(_ count: Int) { start += count }

    /// Passes over what is buffered, else over what the source need not read.
    func skip(_ count: Int64) -> Int64 {
        guard start < end else { return source.skip(count) }
        let skipped = min(Int(clamping: count), end - start)
        start += skipped
        return Int64(skipped)
    }

    /// Up to `count` bytes without consuming them.
    func peek(_ count: Int) throws(StreamError) -> [UInt8] {
        while end - start < count, !isAtEnd {
            if start > 0 {
                unsafe buffer.copyMemory(from: available)
                (start, end) = (0, end - start)
            }
            let read = unsafe try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
            isAtEnd = read == 0
            end += read
        }
        return unsafe Array(available.prefix(count))
    }
}

private protocol StreamDecoder: AnyObject {
    /// At least one byte, or 0 at the end.
    func decode(_ input: BufferedInput, into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int
}

private final class PlainDecoder: StreamDecoder {
    func decode(_ input: BufferedInput, into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        guard try input.fill() else { return 0 }
        let part = unsafe input.available.prefix(buffer.count)
        unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
        unsafe input.consume(part.count)
        return unsafe part.count
    }
}

/// zlib's `inflate`, one gzip member after another.
@safe private final class GzipDecoder: StreamDecoder {
    /// zlib keeps a pointer to it: it must not move.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var isBetweenMembers = false

    init() throws(StreamError) {
        unsafe stream.initialize(to: z_stream())
        // 15 bits of window, 16 for a gzip header.
        let status = unsafe inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw StreamError(.tooLarge, "out of memory") }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    func decode(_ input: BufferedInput, into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        unsafe stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = UInt32(clamping: buffer.count)
        while unsafe Int(stream.pointee.avail_out) == buffer.count {
            if isBetweenMembers, try !startMember(input) { return 0 }
            guard try input.fill() else { throw StreamError(.corrupt, "the gzip stream ends too early") }
            let available = unsafe input.available
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: available.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            unsafe stream.pointee.avail_in = UInt32(available.count)
            let status = unsafe inflate(stream, Z_NO_FLUSH)
            unsafe input.consume(available.count - Int(stream.pointee.avail_in))
            switch status {
            case Z_OK, Z_BUF_ERROR: continue
            case Z_STREAM_END: isBetweenMembers = true
            default:
                let text = unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "error \(status)"
                throw StreamError(.corrupt, "invalid gzip data: \(text)")
            }
        }
        return unsafe buffer.count - Int(stream.pointee.avail_out)
    }

    /// Another member, or zeros to the end; anything else is refused.
    private func startMember(_ input: BufferedInput) throws(StreamError) -> Bool {
        let next = try input.peek(2)
        if next.isEmpty { return false }
        if next == [0x1f, 0x8b] {
            unsafe inflateReset(stream)
            isBetweenMembers = false
            return true
        }
        while try input.fill() {
            guard unsafe input.available.allSatisfy({ $0 == 0 }) else {
                throw StreamError(.corrupt, "unexpected bytes after the gzip stream")
            }
            unsafe input.consume(input.available.count)
        }
        return false
    }
}

/// libzstd's streaming decoder, with a bounded window.
@safe private final class ZstdDecoder: StreamDecoder {
    private let context: OpaquePointer
    private var isInFrame = false

    init() throws(StreamError) {
        guard let fresh = unsafe ZSTD_createDCtx() else { throw StreamError(.tooLarge, "out of memory") }
        unsafe context = fresh
        _ = unsafe ZSTD_DCtx_setParameter(fresh, ZSTD_d_windowLogMax, 27)
    }

    deinit { unsafe ZSTD_freeDCtx(context) }

    func decode(_ input: BufferedInput, into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        var output = unsafe ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
        while unsafe output.pos == 0 {
            guard try input.fill() else {
                guard !isInFrame else { throw StreamError(.corrupt, "the zstd stream ends too early") }
                return 0
            }
            let available = unsafe input.available
            var feed = unsafe ZSTD_inBuffer(src: available.baseAddress, size: available.count, pos: 0)
            let status = unsafe ZSTD_decompressStream(context, &output, &feed)
            guard ZSTD_isError(status) == 0 else {
                throw StreamError(.corrupt, "invalid zstd data: \(unsafe String(cString: ZSTD_getErrorName(status)))")
            }
            unsafe input.consume(feed.pos)
            isInFrame = status != 0
        }
        return unsafe output.pos
    }
}
