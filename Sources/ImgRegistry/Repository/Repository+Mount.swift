import ImgHTTP
import ImgOCI

/// What became of the wish to mount a blob.
enum MountResult: Sendable {
    case mounted
    /// Not mounted, but an upload session is open at this URL (PUSH-11).
    case opened(String)
    case refused
}

extension Repository {
    /// Asks for a blob of another repository of the registry instead of sending it (PUSH-11, PUSH-12).
    func mount(_ descriptor: Descriptor, from source: String) async throws(RegistryError) -> MountResult {
        let operation = "mount blob \(descriptor.digest) from \(source)"
        let query =
            "mount=\(PercentEncoding.encode(descriptor.digest.description))&from=\(PercentEncoding.encode(source))"
        var call = Call(.post, .repository("blobs/uploads/?\(query)"), .write, operation).withEmptyBody
        call.mountSources = [source]
        call.isRepeatable = false
        do {
            let reply = try await session.send(call)
            await reply.drain()
            if reply.status == 201 {
                session.host.noteMount()
                return .mounted
            }
            session.host.noteRefusedMount(from: source, forGood: false)
            guard let location = reply.header("Location") else { return .refused }
            return .opened(try await Redirect.target(location, from: reply.url, by: session, operation))
        } catch {
            switch error.code {
            case .cancelled, .tls, .configuration, .blocked: throw error
            default: session.host.noteRefusedMount(from: source, forGood: error.status.map { $0 < 500 } ?? false)
            }
            return .refused
        }
    }
}
