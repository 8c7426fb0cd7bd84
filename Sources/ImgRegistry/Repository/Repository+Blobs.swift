import ImgHTTP
package import ImgOCI
import ImgReport
import ImgTasks

extension Repository {
    /// Reads a small blob, such as a configuration, into memory; size and digest are verified.
    /// - Parameter limit: Bytes that are accepted (NET-10).
    package func blob(_ descriptor: Descriptor, limit: Int = 8 << 20) async throws(RegistryError) -> [UInt8] {
        if let inline = inlineContent(of: descriptor) { return inline }
        let operation = "read blob \(descriptor.digest)"
        guard descriptor.size <= Int64(limit) else {
            throw session.error(.tooLarge, operation, "it has \(descriptor.size) bytes, more than the \(limit) allowed")
        }
        return try await session.undamaged { () throws(RegistryError) in
            let stream = blobStream(descriptor)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(Int(descriptor.size))
            while let chunk = try await stream.next() { bytes += chunk }
            return bytes
        }
    }

    /// The bytes of a blob in order, resumed where a transfer breaks (PULL-25).
    ///
    /// The end of the stream is reached only if size and digest are right. Takes no slot of the host: the caller limits
    /// how many it reads.
    package func blobStream(_ descriptor: Descriptor) -> BlobStream {
        BlobStream(session: session, descriptor: descriptor)
    }

    /// Whether the repository holds a blob (PUSH-6).
    ///
    /// Where the registry doesn't answer the question, the answer is no: an upload finds out.
    package func hasBlob(_ descriptor: Descriptor) async throws(RegistryError) -> Bool {
        try await hasBlob(descriptor, mountSources: [])
    }

    func hasBlob(_ descriptor: Descriptor, mountSources: [String]) async throws(RegistryError) -> Bool {
        try await presence(of: descriptor, mountSources: mountSources) ?? false
    }

    /// Whether the repository holds a blob; nil where this account may not know.
    package func presence(
        of descriptor: Descriptor,
        mountSources: [String] = []
    ) async throws(RegistryError) -> Bool? {
        guard session.host.answersBlobHeads else { return nil }
        var call = Call(.head, .repository("blobs/\(descriptor.digest)"), .read, "look up blob \(descriptor.digest)")
        call.followsRedirects = false
        call.mountSources = mountSources
        do {
            let reply = try await session.send(call)
            await reply.drain()
            // A redirect proves that there is something to redirect to (PUSH-7).
            guard reply.status < 300, let length = reply.contentLength else { return true }
            return length == descriptor.size
        } catch {
            switch error.code {
            case .cancelled, .network, .tls, .configuration, .blocked: throw error
            case .unauthorized: throw error
            case .denied where error.status == 401: throw error
            case .denied:
                session.host.noteRefusedHead()
                return nil
            default: return false
            }
        }
    }
}
