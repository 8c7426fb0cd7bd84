import ImgHTTP

extension Repository {
    /// Deletes a manifest with all its tags, or a tag where the registry offers that (DEL-1).
    ///
    /// What isn't there any more counts as deleted.
    /// - Throws: ``RegistryError`` with `.unsupported` when deletion is switched off.
    package func delete(_ selector: ManifestSelector) async throws(RegistryError) {
        let call = Call(.delete, .repository("manifests/\(selector)"), .delete, "delete \(selector.phrase)")
        do {
            try await session.send(call).drain()
        } catch let error where error.isMissing && error.attempts > 1 {
            return
        } catch let error where error.status == 405 || error.says("UNSUPPORTED") {
            var copy = error
            copy.code = .unsupported
            copy.reason = "the registry does not delete this"
            if case .tag = selector {
                copy.hints = ["delete by digest instead; all tags of that digest go with it"]
            }
            throw copy
        }
    }
}
