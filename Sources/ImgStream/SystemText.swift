import Glibc

/// The operating system's words for an error number.
enum SystemText {
    static func describe(_ number: Int32) -> String {
        unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
    }
}
