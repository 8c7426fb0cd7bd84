import Glibc

/// Files below `fixtures/dockerfile`.
enum Fixtures {
    struct Missing: Error {
        var path: String
    }

    static let root = #filePath.split(separator: "/Tests/")[0] + "/fixtures/dockerfile/"

    static func names(in folder: String) throws -> [String] {
        guard let directory = unsafe opendir(root + folder) else { throw Missing(path: root + folder) }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        guard let file = unsafe fopen(root + path, "rb") else { throw Missing(path: root + path) }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        while true {
            let byte = unsafe getc(file)
            if byte == EOF { return bytes }
            bytes.append(UInt8(truncatingIfNeeded: byte))
        }
    }

    static func write(_ text: String, to path: String) throws {
        guard let file = unsafe fopen(root + path, "wb") else { throw Missing(path: root + path) }
        defer { unsafe fclose(file) }
        for byte in text.utf8 { unsafe putc(Int32(byte), file) }
    }
}
