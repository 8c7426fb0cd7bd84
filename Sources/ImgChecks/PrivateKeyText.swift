import Glibc

/// Private keys as text: PEM, OpenSSH's, PGP's and PuTTY's.
enum PrivateKeyText {
    static let putty = Array("PuTTY-User-Key-File-".utf8)
    private static let begin = Array("-----BEGIN ".utf8)
    private static let dashes = Array("-----".utf8)
    /// Base64 of less than this is no key: the smallest, of Ed25519, has 64 characters.
    private static let shortest = 60

    /// The first private key; certificates and public keys are none.
    @Sendable static func find(in text: [UInt8]) -> CopiedSecret? {
        var rest = text[...]
        while let start = rest.place(of: begin) {
            rest = rest[(start + begin.count)...]
            guard let end = rest.prefix(40).place(of: dashes) else { continue }
            let label = String(decoding: rest[..<end], as: UTF8.self)
            rest = rest[(end + dashes.count)...]
            guard label.hasSuffix("PRIVATE KEY") || label.hasSuffix("PRIVATE KEY BLOCK"),
                label.utf8.allSatisfy({ $0 == 0x20 || (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) }),
                let isEncrypted = isEncrypted(rest, label)
            else { continue }
            return CopiedSecret(isEncrypted ? .encryptedPrivateKey : .privateKey, label)
        }
        return nil
    }

    /// Whether a key takes a passphrase; nil when there is no key behind the first line, as in documentation.
    ///
    /// Lines may end in `\n` spelt out, as they do in JSON and in variables.
    private static func isEncrypted(_ text: ArraySlice<UInt8>, _ label: String) -> Bool? {
        var base64: [UInt8] = []
        var isEncrypted = label.contains("ENCRYPTED")
        for var word in words(text.prefix(1024)) where base64.count < shortest {
            // Headers: Proc-Type: 4,ENCRYPTED
            if word.contains(UInt8(ascii: ":")) || word.contains(UInt8(ascii: ",")) {
                if word.ends(with: "ENCRYPTED") { isEncrypted = true }
                continue
            }
            while word.last == UInt8(ascii: "=") { word.removeLast() }
            guard word.allSatisfy(\.isBase64) else { break }
            base64 += word
        }
        guard base64.count >= shortest, Set(base64).count > 12 else { return nil }
        // "openssh-key-v1", then the cipher: "none".
        if label.hasPrefix("OPENSSH"), !base64.starts(with: "b3BlbnNzaC1rZXktdjEAAAAABG5vbm".utf8) { return true }
        return isEncrypted
    }

    private static func words(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var text = text
        for place in text.indices.dropLast() where text[place] == UInt8(ascii: "\\") {
            let next = text[place + 1]
            guard next == UInt8(ascii: "n") || next == UInt8(ascii: "r") else { continue }
            text[place] = 0x20
            text[place + 1] = 0x20
        }
        return text.split { $0 <= 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") }
    }

    @Sendable static func findPuTTY(in text: [UInt8]) -> CopiedSecret? {
        guard text.holds("\nPrivate-Lines:") else { return nil }
        return CopiedSecret(text.holds("\nEncryption: none") ? .privateKey : .encryptedPrivateKey, "PuTTY")
    }
}

extension UInt8 {
    /// Whether it is a digit of base64, padding not counted.
    var isBase64: Bool {
        switch self {
        case 0x2b, 0x2f, 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: false
        }
    }
}

extension Collection<UInt8> where Index == Int, SubSequence == ArraySlice<UInt8> {
    /// Where some bytes first stand.
    func place(of needle: [UInt8]) -> Int? {
        guard let first = needle.first else { return nil }
        var rest = self[...]
        while let place = rest.place(of: first) {
            if rest[place...].starts(with: needle) { return place }
            rest = rest[(place + 1)...]
        }
        return nil
    }

    func holds(_ text: String) -> Bool { place(of: Array(text.utf8)) != nil }

    func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}

extension ArraySlice<UInt8> {
    /// Most of a text is passed over by this.
    fileprivate func place(of byte: UInt8) -> Int? {
        let offset: Int? = unsafe withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, let found = unsafe memchr(start, Int32(byte), bytes.count) else {
                return nil
            }
            return unsafe UnsafeRawPointer(found) - start
        }
        return offset.map { startIndex + $0 }
    }
}
