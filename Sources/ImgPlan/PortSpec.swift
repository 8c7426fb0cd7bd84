import ImgDockerfile
import ImgReport

/// One item of EXPOSE: `[ip:][hostport:]containerport[/proto]` (CFG-5).
struct PortSpec {
    /// `80/tcp`, one for each port of a range.
    let containerPorts: [String]
    let hasHostPart: Bool
    let hasUpperCaseProtocol: Bool

    init(parsing text: String) throws(BuildError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let last = parts[parts.count - 1]
        let hostPort = parts.count > 1 ? parts[parts.count - 2] : ""
        var address = parts.dropLast(2).joined(separator: ":")
        let slash = last.firstIndex(of: "/")
        let container = String(slash.map { last[..<$0] } ?? last[...])
        let written = slash.map { String(last[last.index(after: $0)...]) } ?? ""
        let proto = written.isEmpty ? "tcp" : written.lowercased()
        guard ["tcp", "udp", "sctp"].contains(proto) else {
            throw BuildError("invalid port: \(text.goQuoted): invalid proto: \(written)")
        }
        if address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
        guard address.isEmpty || Self.isAddress(address) else { throw BuildError("invalid IP address: \(address)") }
        guard !container.isEmpty else { throw BuildError("invalid port: \(text.goQuoted): no port specified") }
        guard let ports = Self.range(container) else { throw BuildError("invalid containerPort: \(container)") }
        if !hostPort.isEmpty {
            guard let hostPorts = Self.range(hostPort) else { throw BuildError("invalid hostPort: \(hostPort)") }
            guard hostPorts.count == ports.count || ports.count == 1 else {
                throw BuildError(
                    "invalid ranges specified for container and host Ports: \(container) and \(hostPort)"
                )
            }
        }
        containerPorts = ports.map { "\($0)/\(proto)" }
        hasHostPart = !hostPort.isEmpty || !address.isEmpty
        hasUpperCaseProtocol = written != written.lowercased()
    }

    private static func range(_ text: String) -> ClosedRange<UInt16>? {
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = port(ends[0]) else { return nil }
        guard ends.count == 2 else { return first...first }
        guard let last = port(ends[1]), first <= last else { return nil }
        return first...last
    }

    private static func port(_ text: Substring) -> UInt16? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt16(text) : nil
    }

    private static func isAddress(_ text: String) -> Bool {
        guard text.contains(":") else {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts.allSatisfy { UInt8($0).map(String.init) == String($0) }
        }
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return false }
        let groups = halves.flatMap { $0.split(separator: ":", omittingEmptySubsequences: $0.isEmpty) }
        let areHex = groups.allSatisfy { (1...4).contains($0.utf8.count) && UInt16($0, radix: 16) != nil }
        return areHex && (halves.count == 2 ? groups.count < 8 : groups.count == 8)
    }
}

/// Signals that STOPSIGNAL takes (CFG-10).
enum Signals {
    private static let names: Set<String> = [
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
        "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
        "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
    ]

    /// A number other than 0, or a Linux name with or without `SIG`, in any case.
    static func isKnown(_ text: String) -> Bool {
        if let number = Int(text) { return number != 0 }
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if names.contains(name) { return true }
        if name.hasPrefix("RTMIN+") { return offset(name).map { (1...15).contains($0) } ?? false }
        if name.hasPrefix("RTMAX-") { return offset(name).map { (1...14).contains($0) } ?? false }
        return false
    }

    private static func offset(_ name: String) -> Int? {
        let digits = name.dropFirst("RTMIN+".count)
        return digits.utf8.allSatisfy { (0x30...0x39).contains($0) } && !digits.hasPrefix("0") ? Int(digits) : nil
    }
}
