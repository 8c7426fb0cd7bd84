/// Collects header lines into the head of the final answer.
struct HeadParser {
    struct Head {
        var status: Int
        var version: String
        var headers: HTTPHeaders
    }

    struct Failure: Error {
        var code: HTTPError.Code
        var message: String
    }

    /// All lines together, in bytes.
    static let limit = 256 << 10

    private var current: Head?
    private var size = 0
    private var isComplete = false

    /// Takes one line with its line end.
    /// - Returns: The head, after the empty line that ends it; interim answers (1xx) are passed over.
    mutating func take(_ line: String) throws(Failure) -> Head? {
        if isComplete { return nil }  // trailers
        size += line.utf8.count
        guard size <= Self.limit else {
            throw Failure(code: .tooLarge, message: "the answer's headers exceed \(Self.limit) bytes")
        }
        let text = line.utf8.last == 0x0A ? Substring(line).trimmingLineEnd() : Substring(line)
        if current == nil {
            current = try Self.parseStatus(text)
        } else if text.isEmpty {
            defer { current = nil }
            guard let head = current, head.status >= 200 || head.status == 101 else { return nil }
            isComplete = true
            return head
        } else if let colon = text.firstIndex(of: ":") {
            let value = ASCII.trimmed(text[text.index(after: colon)...])
            current?.headers.add(String(text[..<colon]), value)
        }
        return nil
    }

    private static func parseStatus(_ line: Substring) throws(Failure) -> Head {
        let parts = line.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0].hasPrefix("HTTP/"), let status = Int(parts[1]), (100...999).contains(status)
        else {
            throw Failure(code: .protocolError, message: "the answer has no HTTP status line")
        }
        return Head(status: status, version: String(parts[0]), headers: [:])
    }
}

extension Substring {
    /// Without CR LF or LF, which Swift takes for one character.
    fileprivate func trimmingLineEnd() -> Substring {
        guard let last, last == "\r\n" || last == "\n" else { return self }
        return dropLast()
    }
}
