/// A line of `/etc/passwd`.
package struct UserAccount: Sendable, Hashable {
    package var name: String
    package var uid: UInt32
    /// The primary group.
    package var gid: UInt32

    package init(name: String, uid: UInt32, gid: UInt32) {
        self.name = name
        self.uid = uid
        self.gid = gid
    }
}

/// The account files of an image (CP-26).
package enum Accounts {
    /// The largest account file that is read, in bytes (CP-29).
    package static let fileLimit = 10 << 20

    /// The first user of that name.
    package static func user(named name: String, inPasswd content: [UInt8]) -> UserAccount? {
        guard let fields = firstLine(named: name, in: content), fields.count >= 4, let uid = id(fields[2]),
            let gid = id(fields[3])
        else { return nil }
        return UserAccount(name: name, uid: uid, gid: gid)
    }

    /// The id of the first group of that name.
    package static func group(named name: String, inGroup content: [UInt8]) -> UInt32? {
        guard let fields = firstLine(named: name, in: content), fields.count >= 3 else { return nil }
        return id(fields[2])
    }

    /// The names that a file has, for suggestions.
    package static func names(in content: [UInt8]) -> [String] {
        lines(content)
            .compactMap { line in
                line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).first
                    .map {
                        String(decoding: $0, as: UTF8.self)
                    }
            }
    }

    private static func lines(_ content: [UInt8]) -> [ArraySlice<UInt8>] {
        content.split(separator: UInt8(ascii: "\n"))
            .map { line in
                line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            }
    }

    private static func firstLine(named name: String, in content: [UInt8]) -> [ArraySlice<UInt8>]? {
        for line in lines(content) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            if let first = fields.first, first.elementsEqual(name.utf8) { return fields }
        }
        return nil
    }

    private static func id(_ field: ArraySlice<UInt8>) -> UInt32? {
        UInt32(String(decoding: field, as: UTF8.self))
    }
}
