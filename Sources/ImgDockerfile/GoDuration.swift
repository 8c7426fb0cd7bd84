/// Durations in Go's notation, such as `1h2m3.5s`, as nanoseconds.
package enum GoDuration {
    /// Not a duration; the message is Go's.
    package struct SyntaxError: Error, Sendable, Hashable {
        package var message: String
    }

    private static let units: [(name: String, nanoseconds: UInt64)] = [
        ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// Reads a duration: signed numbers with units; a bare `0` needs none.
    package static func parse(_ text: String) throws(SyntaxError) -> Int64 {
        let invalid = SyntaxError(message: "time: invalid duration \(text.goQuoted)")
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        if rest.elementsEqual("0".utf8) { return 0 }
        if rest.isEmpty { throw invalid }
        let limit: UInt64 = 1 << 63
        var total: UInt64 = 0
        while !rest.isEmpty {
            let whole = rest.prefix(while: isDigit)
            rest = rest.dropFirst(whole.count)
            var fraction: ArraySlice<UInt8> = []
            if rest.first == UInt8(ascii: ".") {
                fraction = rest.dropFirst().prefix(while: isDigit)
                rest = rest.dropFirst(1 + fraction.count)
            }
            guard !whole.isEmpty || !fraction.isEmpty, let amount = number(whole) else { throw invalid }
            let name = TextBytes.text(rest.prefix { !isDigit($0) && $0 != UInt8(ascii: ".") })
            rest = rest.dropFirst(name.utf8.count)
            if name.isEmpty { throw SyntaxError(message: "time: missing unit in duration \(text.goQuoted)") }
            guard let unit = units.first(where: { $0.name.utf8.elementsEqual(name.utf8) })?.nanoseconds else {
                throw SyntaxError(message: "time: unknown unit \(name.goQuoted) in duration \(text.goQuoted)")
            }
            let (product, isProductTooLarge) = amount.multipliedReportingOverflow(by: unit)
            let (part, isPartTooLarge) = product.addingReportingOverflow(share(fraction, of: unit))
            let (sum, isSumTooLarge) = total.addingReportingOverflow(part)
            if isProductTooLarge || isPartTooLarge || isSumTooLarge || sum > limit { throw invalid }
            total = sum
        }
        if isNegative { return total == limit ? .min : -Int64(total) }
        guard total < limit else { throw invalid }
        return Int64(total)
    }

    /// Prints nanoseconds as Go does: `1h0m0s`, `1.5s`, `100ms`, `0s`.
    package static func format(_ nanoseconds: Int64) -> String {
        let sign = nanoseconds < 0 ? "-" : ""
        let amount = nanoseconds.magnitude
        switch amount {
        case 0: return "0s"
        case ..<1000: return sign + "\(amount)ns"
        case ..<1_000_000: return sign + decimal(amount, unit: 1000) + "µs"
        case ..<1_000_000_000: return sign + decimal(amount, unit: 1_000_000) + "ms"
        default: break
        }
        let minutes = amount / 60_000_000_000
        var text = decimal(amount % 60_000_000_000, unit: 1_000_000_000) + "s"
        if minutes > 0 { text = "\(minutes % 60)m" + text }
        if minutes >= 60 { text = "\(minutes / 60)h" + text }
        return sign + text
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        digits.isEmpty ? 0 : UInt64(TextBytes.text(digits))
    }

    /// The fraction of a unit, cut off below a nanosecond.
    private static func share(_ digits: ArraySlice<UInt8>, of unit: UInt64) -> UInt64 {
        var total = 0.0
        var scale = 1.0
        for digit in digits.prefix(18) {
            scale *= 10
            total = total * 10 + Double(digit - 0x30)
        }
        return UInt64(total * (Double(unit) / scale))
    }

    private static func decimal(_ amount: UInt64, unit: UInt64) -> String {
        let fraction = amount % unit
        if fraction == 0 { return "\(amount / unit)" }
        var digits = String(fraction + unit).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(amount / unit).\(digits)"
    }
}
