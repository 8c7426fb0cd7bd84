import CImgArchive
import Glibc
import ImgOCI

/// Reads a tar by libarchive: ustar, pax, GNU, sparse files, extended attributes.
///
/// - SeeAlso: `archive_read(3)`
@safe package final class TarReader: ByteSource {
    /// What else than a plain tar is understood.
    package enum Format: Sendable {
        /// The source is uncompressed already.
        case plain
        /// gzip, bzip2, xz and zstd are recognised by their first bytes (ARC-2).
        case anyCompression
    }

    private let archive: OpaquePointer
    private let port: SourcePort
    private let locale: UTF8Locale
    private let isCompressed: Bool
    private var contentCount: Int64 = 0
    /// Where the content of the current entry lies in the source just as it is; nil when it is compressed or has holes.
    package private(set) var contentOffset: Int64?

    /// - Throws: ``StreamError`` `.corrupt` when the source begins with no tar header.
    package init(_ source: any ByteSource, format: Format = .plain) throws(StreamError) {
        // gzip and zstd are undone by the same code as layers, which also knows skippable frames.
        let inflater = format == .anyCompression ? try Inflater(source) : nil
        guard let fresh = unsafe archive_read_new() else { throw StreamError(.tooLarge, "out of memory") }
        unsafe archive = fresh
        port = SourcePort(inflater ?? source)
        locale = UTF8Locale()
        unsafe archive_read_support_format_tar(fresh)
        unsafe archive_read_support_format_empty(fresh)
        if let inflater, !inflater.isCompressed {
            unsafe archive_read_support_filter_bzip2(fresh)
            unsafe archive_read_support_filter_xz(fresh)
        }
        let status = unsafe archive_read_open2(
            fresh,
            Unmanaged.passUnretained(port).toOpaque(),
            nil,
            { _, context, buffer in
                guard let context = unsafe context else { return -1 }
                return unsafe Unmanaged<SourcePort>.fromOpaque(context).takeUnretainedValue().fill(buffer)
            },
            { _, context, count in
                guard let context = unsafe context else { return 0 }
                return unsafe Unmanaged<SourcePort>.fromOpaque(context).takeUnretainedValue().skip(count)
            },
            nil
        )
        // libarchive counts the source itself as one; what is compressed twice is no archive (ARC-3).
        let filters = unsafe status == ARCHIVE_OK ? archive_filter_count(fresh) : 0
        isCompressed = inflater?.isCompressed ?? false || filters > 1
        guard status == ARCHIVE_OK else { throw failure() }
        guard filters <= 2 else { throw StreamError(.corrupt, "not a tar archive") }
    }

    deinit { unsafe archive_read_free(archive) }

    /// The next entry; what is left of the previous one's content is skipped.
    package func next() throws(StreamError) -> TarHeader? {
        try StreamError.checkCancellation()
        return try locale.using { () throws(StreamError) in
            var entry: OpaquePointer?
            switch unsafe archive_read_next_header(archive, &entry) {
            case ARCHIVE_OK, ARCHIVE_WARN:
                guard let entry = unsafe entry else { return nil }
                let isWhole = unsafe !isCompressed && archive_entry_sparse_count(entry) == 0
                contentOffset = unsafe isWhole ? archive_filter_bytes(archive, 0) : nil
                return unsafe try Self.header(entry)
            case ARCHIVE_EOF: return nil
            default: throw failure()
            }
        }
    }

    /// Content of the current entry; holes of sparse files are zeros.
    ///
    /// - Returns: Number of bytes; 0 at the end of the entry.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(StreamError) -> Int {
        let count = unsafe archive_read_data(archive, buffer.baseAddress, buffer.count)
        guard count >= 0 else { throw failure() }
        // The holes of a sparse file cost its sender nothing.
        contentCount += Int64(count)
        guard contentCount <= Inflater.defaultLimit else {
            throw StreamError(.tooLarge, "more than \(Inflater.defaultLimit) bytes of content")
        }
        return count
    }

    private func failure() -> StreamError {
        if let error = port.error { return error }
        let text = unsafe archive_error_string(archive).map { unsafe String(cString: $0) }
        return StreamError(.corrupt, text ?? "not a tar archive")
    }

    // MARK: - Headers

    private static func header(_ entry: OpaquePointer) throws(StreamError) -> TarHeader {
        var path = unsafe bytes(archive_entry_pathname(entry))
        while path.last == UInt8(ascii: "/"), path.count > 1 { path.removeLast() }
        var start = 0
        while path[start...].starts(with: "./".utf8) { start += 2 }
        path.removeFirst(start)
        let hardlink = unsafe archive_entry_hardlink(entry)
        var header = unsafe TarHeader(
            path: path,
            kind: hardlink != nil ? .hardlink : kind(archive_entry_filetype(entry))
        )
        header.mode = unsafe UInt16(truncatingIfNeeded: archive_entry_perm(entry)) & 0o7777
        header.uid = unsafe try id(archive_entry_uid(entry))
        header.gid = unsafe try id(archive_entry_gid(entry))
        header.size = header.kind == .file ? unsafe max(0, archive_entry_size(entry)) : 0
        header.mtime = unsafe Timestamp(
            seconds: Int64(archive_entry_mtime(entry)),
            nanoseconds: Int32(clamping: archive_entry_mtime_nsec(entry))
        )
        if header.kind == .hardlink { header.linkTarget = unsafe bytes(hardlink) }
        if header.kind == .symlink { header.linkTarget = unsafe bytes(archive_entry_symlink(entry)) }
        if header.kind == .charDevice || header.kind == .blockDevice {
            header.deviceMajor = unsafe UInt32(truncatingIfNeeded: archive_entry_rdevmajor(entry))
            header.deviceMinor = unsafe UInt32(truncatingIfNeeded: archive_entry_rdevminor(entry))
        }
        unsafe readAttributes(entry, into: &header)
        return header
    }

    /// What is no id must not become root's.
    private static func id(_ number: Int64) throws(StreamError) -> UInt32 {
        guard let id = UInt32(exactly: number) else { throw StreamError(.corrupt, "\(number) is no user or group") }
        return id
    }

    private static func readAttributes(_ entry: OpaquePointer, into header: inout TarHeader) {
        guard unsafe archive_entry_xattr_reset(entry) > 0 else { return }
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while unsafe archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK {
            guard let name = unsafe name else { continue }
            let content = unsafe value.map { unsafe Array(UnsafeRawBufferPointer(start: $0, count: size)) } ?? []
            unsafe header.xattrs.append((name: String(cString: name), value: content))
        }
        // libarchive keeps the last one first.
        header.xattrs.reverse()
    }

    private static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
        guard let text = unsafe text else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    /// `AE_IF…` are cast macros that Swift does not import.
    private static func kind(_ type: mode_t) -> TarHeader.Kind {
        switch type & 0o170000 {
        case 0o040000: .directory
        case 0o120000: .symlink
        case 0o010000: .fifo
        case 0o020000: .charDevice
        case 0o060000: .blockDevice
        default: .file
        }
    }
}

/// Gives libarchive the bytes of a source; keeps the error that its C interface has no room for.
@safe private final class SourcePort {
    private let source: any ByteSource
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 16)
    private(set) var error: StreamError?

    init(_ source: any ByteSource) {
        self.source = source
    }

    deinit { unsafe buffer.deallocate() }

    func fill(_ out: UnsafeMutablePointer<UnsafeRawPointer?>?) -> Int {
        do throws(StreamError) {
            let count = unsafe try source.read(into: buffer)
            unsafe out?.pointee = UnsafeRawPointer(buffer.baseAddress)
            return count
        } catch {
            self.error = error
            return -1
        }
    }

    func skip(_ count: Int64) -> Int64 { source.skip(count) }
}

/// libarchive converts names by the thread's locale; in the C locale it would mangle or drop what is not ASCII.
@safe private final class UTF8Locale {
    private let locale: locale_t?

    init() {
        unsafe locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)
    }

    deinit { if let locale = unsafe locale { unsafe freelocale(locale) } }

    func using<Value>(_ body: () throws(StreamError) -> Value) throws(StreamError) -> Value {
        guard let locale = unsafe locale else { return try body() }
        let before = unsafe uselocale(locale)
        defer { _ = unsafe uselocale(before) }
        return try body()
    }
}
