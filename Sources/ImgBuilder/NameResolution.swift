import Glibc

/// The system's name service.
enum NameResolution {
    /// Numeric addresses in the system's order, each once; empty when the name is unknown.
    static func addresses(of host: String) -> [String] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var found: [String] = []
        var entry = unsafe list
        while let current = unsafe entry {
            var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let info = unsafe current.pointee
            let (address, length) = unsafe (info.ai_addr, info.ai_addrlen)
            let room = socklen_t(name.count)
            if unsafe getnameinfo(address, length, &name, room, nil, 0, NI_NUMERICHOST) == 0 {
                let text = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                if !found.contains(text) { found.append(text) }
            }
            unsafe entry = info.ai_next
        }
        return found
    }
}
