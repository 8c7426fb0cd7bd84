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

/// Dates in headers.
package enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// A date as seconds since 1970.
    ///
    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
    package static func parse(_ text: String) -> Int64? {
        let words = text.split { $0 == " " || $0 == "-" || $0 == "," }.map(String.init)
        if words.count == 6, words[5] == "GMT" {
            return seconds(day: words[1], month: words[2], year: words[3], time: words[4])
        }
        guard words.count == 5 else { return nil }
        return seconds(day: words[2], month: words[1], year: words[4], time: words[3])
    }

    private static func seconds(day: String, month: String, year: String, time: String) -> Int64? {
        let clock = time.split(separator: ":").map { Int64($0) ?? -1 }
        guard let day = Int64(day), let month = months.firstIndex(of: month), var fullYear = Int64(year),
            clock.count == 3, (1...31).contains(day), (0...9999).contains(fullYear), (0..<24).contains(clock[0]),
            (0..<60).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        if year.utf8.count == 2 {
            fullYear += fullYear < 70 ? 2000 : 1900
        }
        let days = daysSince1970(year: fullYear, month: Int64(month) + 1, day: day)
        return days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }

    /// Days of the Gregorian calendar, counted in years that begin in March.
    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        let leapDays = shifted / 4 - shifted / 100 + shifted / 400
        return shifted * 365 + leapDays + (monthFromMarch * 153 + 2) / 5 + day - 1 - 719_468
    }
}
