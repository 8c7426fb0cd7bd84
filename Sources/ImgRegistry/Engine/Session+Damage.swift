import ImgReport

/// Content that is not what it should be.
extension Session {
    /// Takes note of what an endpoint has sent wrong, or not to the end: a mirror is not asked any more (MIR-8).
    func noting(_ error: RegistryError, from endpoint: Endpoint) -> RegistryError {
        let codes: [RegistryError.Code] = [.digestMismatch, .sizeMismatch, .protocol, .network]
        guard endpoint.isMirror, codes.contains(error.code) else { return error }
        host.noteDamage(at: endpoint)
        if client.notices.isFirst("damaged \(endpoint.authority) \(host.name)") {
            client.events.emit(.warning(Self.damage(error, endpoint, host.name)))
        }
        var copy = error
        copy.isOfMirror = true
        return copy
    }

    private static func damage(_ error: RegistryError, _ mirror: Endpoint, _ host: String) -> Diagnostic {
        Diagnostic(
            .warning,
            "mirror \(mirror.authority) is not asked any more for \(host): \(error.reason)",
            notes: ["found when it was asked to \(error.operation)"],
            hints: ["remove the damaged copy from the mirror, or the mirror from the configuration"]
        )
    }

    /// Reads something until it is right: what a mirror sent wrong is asked for elsewhere, and the registry twice.
    func undamaged<Value>(
        _ read: () async throws(RegistryError) -> Value
    ) async throws(RegistryError) -> Value {
        var isLast = false
        while true {
            do {
                return try await read()
            } catch {
                guard error.isOfMirror || (error.code == .digestMismatch && !isLast) else { throw error }
                isLast = isLast || !error.isOfMirror
                client.events.emit(.debug("\(error), asking again"))
            }
        }
    }
}
