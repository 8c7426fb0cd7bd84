import ImgOCI

/// Text that a server sent, made fit to be shown (SEC-9).
enum ServerText {
    /// Bytes of a message that are shown (NET-10).
    static let limit = 2048

    /// Control and escape characters become spaces; what is too long is cut.
    static func clean(_ text: String, limit: Int = limit) -> String {
        var out = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            count += 1
            if count > limit {
                out.append("…")
                break
            }
            let isControl = scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
            let isInvisible =
                (0x200b...0x200f).contains(scalar.value) || (0x202a...0x202e).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value) || scalar.value == 0xfeff
            out.append(isControl || isInvisible ? " " : scalar)
        }
        return String(out).split(separator: " ").joined(separator: " ")
    }

    /// The errors of a reply body; a plain text becomes one answer without a code.
    static func answers(in body: [UInt8], contentType: String?) -> [RegistryAnswer] {
        guard !body.isEmpty else { return [] }
        if let json = try? JSON.parse(body) {
            let listed = json["errors"]?.arrayValue?.prefix(10).map(answer) ?? []
            if !listed.isEmpty { return Array(listed) }
            for key in ["message", "error_description", "error", "details", "detail"] {
                if let text = json[key]?.stringValue { return [RegistryAnswer(code: "", message: clean(text))] }
            }
            return []
        }
        let text = String(decoding: body.prefix(limit), as: UTF8.self)
        if contentType?.lowercased().contains("html") == true || text.contains("<html") {
            return title(of: text).map { [RegistryAnswer(code: "", message: $0)] } ?? []
        }
        return [RegistryAnswer(code: "", message: clean(text))]
    }

    private static func answer(_ json: JSON) -> RegistryAnswer {
        var message = json["message"]?.stringValue ?? ""
        if let detail = json["detail"]?.stringValue, !detail.isEmpty, detail != message {
            message += message.isEmpty ? detail : " (\(detail))"
        }
        return RegistryAnswer(
            code: clean(json["code"]?.stringValue ?? "", limit: 64).uppercased(),
            message: clean(message)
        )
    }

    /// What stands in `<title>`.
    private static func title(of html: String) -> String? {
        let text = Array(html.utf8)
        let lower = Array(html.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 })
        guard let open = lower.firstRange(of: Array("<title>".utf8)),
            let close = lower[open.upperBound...].firstRange(of: Array("</title>".utf8))
        else { return nil }
        return clean(String(decoding: text[open.upperBound..<close.lowerBound], as: UTF8.self), limit: 200)
    }
}
