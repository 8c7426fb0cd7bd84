import ImgOCI

/// Reads the `Retry-After` header (`RETRY-6`).
package enum RetryAfter {
    /// The pause that a server asks for.
    ///
    /// - Parameters:
    ///   - value: Seconds, or a date in one of the three forms of RFC 9110, section 5.6.7.
    ///   - now: Seconds since 1970; the `Date` header of the same answer does best.
    /// - Returns: Zero for a date that is over; nil for anything else than seconds or a date.
    package static func parse(_ value: String, now: Int64) -> Duration? {
        let text = ASCII.trimmed(value)
        if !text.isEmpty, text.utf8.allSatisfy(ASCII.isDigit) {
            return .seconds(min(Int64(text) ?? .max, 1 << 31))
        }
        return HTTPDate.parse(text).map { .seconds(max(0, $0 - now)) }
    }
}
