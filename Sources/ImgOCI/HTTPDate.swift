/// Dates in headers of HTTP (RFC 9110, section 5.6.7).
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
        let days = Calendar.daysSinceEpoch(year: fullYear, month: Int64(month) + 1, day: day)
        return days * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }
}
