/// A ustar archive made by hand, so that the code under test is not its own oracle.
enum ArchiveFixture {
    /// - Parameter entries: `f 644 1:2 path content`, `d 755 0:0 path`, `l 777 0:0 path -> target`, `h 600 3:4 path -> target`.
    static func tar(_ entries: [String]) -> [UInt8] {
        entries.flatMap(entry) + [UInt8](repeating: 0, count: 1024)
    }

    private static func entry(_ text: String) -> [UInt8] {
        var words = text.split(separator: " ").map(String.init)
        let kind = words.removeFirst()
        let mode = words.removeFirst()
        let owner = words.removeFirst().split(separator: ":").compactMap { Int($0) }
        let path = words.removeFirst()
        let isLink = kind == "l" || kind == "h"
        let content: [UInt8] = isLink || kind == "d" ? [] : Array(words.joined(separator: " ").utf8)
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
        }
        put(path, at: 0)
        put(octal(Int(mode, radix: 8) ?? 0, 7), at: 100)
        put(octal(owner[0], 7), at: 108)
        put(octal(owner[1], 7), at: 116)
        put(octal(content.count, 11), at: 124)
        put(octal(1_500_000_000, 11), at: 136)
        put("        ", at: 148)
        put(["f": "0", "h": "1", "l": "2", "d": "5", "p": "6"][kind] ?? "0", at: 156)
        if isLink { put(words[1], at: 157) }
        put("ustar", at: 257)
        put("00", at: 263)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6), at: 148)
        header[154] = 0
        return header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    private static func octal(_ value: Int, _ width: Int) -> String {
        let digits = String(value, radix: 8)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
