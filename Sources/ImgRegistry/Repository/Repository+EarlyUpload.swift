import ImgReport
package import ImgStream

/// The first bytes of a blob, sent while the rest was still being made.
package struct EarlyUpload: Sendable {
    let upload: OpenUpload
}

extension Repository {
    /// Whether it is worth while to try ``uploadEarly(_:body:while:)`` here.
    package var takesEarlyUploads: Bool { session.host.takesEarlyUploads }

    /// Sends a blob in parts while it is written (PUSH-23) and keeps its end back.
    ///
    /// An upload is closed with the digest, which is known last, so nothing becomes a blob here:
    /// ``upload(_:body:hints:)`` finishes it, or gives it up when the registry has the blob. Whatever goes wrong ends the
    /// attempt only: that call sends the whole blob then and says what is wrong.
    /// - Parameters:
    ///   - file: Says how much there is; the method returns soon after its end.
    ///   - body: The bytes of the file.
    ///   - isWanted: Asked before each part.
    /// - Returns: Nil when nothing is at the registry: the blob was short, or the registry would not take it so.
    package func uploadEarly(
        _ file: GrowingFile,
        body: UploadBody,
        while isWanted: @Sendable () -> Bool
    ) async -> EarlyUpload? {
        let requests = UploadRequests(repository: self, body: body, operation: "push a blob that is being made")
        var open: OpenUpload?
        do {
            for await size in file.sizes() {
                if open == nil {
                    // What fits into two parts is sent in one request later.
                    guard size > 2 * session.host.quirks.chunkSize, isWanted() else { continue }
                    client.events.emit(.debug("\(name): sending a layer while it is made"))
                    guard let started = try await requests.start() else { return nil }
                    client.openUploads.note(started, session)
                    open = OpenUpload(session: started)
                }
                while let upload = open, !file.isEnded, isWanted() {
                    let part = requests.partSize(of: upload.session)
                    // The closing request must have bytes of its own: ECR and others refuse an empty one after parts.
                    guard upload.sent + part < size else { break }
                    open = try await send(part, of: upload, requests)
                }
            }
        } catch let error where error.code == .cancelled {
            return nil
        } catch {
            session.host.refuseEarlyUploads()
            client.events.emit(.debug("\(name): not sent while it is made: \(error.reason)"))
            if let open { await requests.cancel(open.session) }
            return nil
        }
        return open.map { EarlyUpload(upload: $0) }
    }

    private func send(
        _ part: Int64,
        of upload: OpenUpload,
        _ requests: UploadRequests
    ) async throws(RegistryError) -> OpenUpload {
        var next = upload
        next.sent += part
        guard try await requests.sendPart(upload.sent..<next.sent, of: &next.session) == next.sent else {
            throw session.error(.uploadUnknown, requests.operation, "the registry loses parts of the upload")
        }
        return next
    }

    /// Lets the registry forget what was sent; whatever it answers is fine (PUSH-19).
    package func giveUp(_ early: EarlyUpload) async { await giveBack(early.upload.session) }
}
