import ImgHTTP
import ImgOCI

extension Repository {
    private static let maxPages = 10_000
    private static let pageLimit = 4 << 20

    /// All tags in the registry's order, page by page (TAG-1).
    package func tags() async throws(RegistryError) -> [String] {
        let operation = "list tags"
        var tags: [String] = []
        var known: Set<String> = []
        try await pages("tags/list?n=1000", operation, accept: nil, limit: Self.pageLimit) {
            json,
            _ throws(RegistryError) in
            guard let object = json.objectValue else {
                throw self.session.error(.protocol, operation, "the registry did not send a list of tags")
            }
            let page = object["tags"]?.arrayValue?.compactMap(\.stringValue) ?? []
            for tag in page where known.insert(tag).inserted { tags.append(tag) }
            return !page.isEmpty
        }
        return tags
    }

    /// Fetches pages of JSON while `visit` returns true and the registry names a next one.
    func pages(
        _ first: String,
        _ operation: String,
        accept: String?,
        limit: Int,
        visit: (JSON, Reply) throws(RegistryError) -> Bool
    ) async throws(RegistryError) {
        let name = try await session.wirePath
        var target = Call.Target.repository(first)
        var seen: Set<String> = []
        for _ in 0..<Self.maxPages {
            var call = Call(.get, target, .read, operation)
            if let accept { call = call.accepting(accept) }
            let reply = try await session.send(call)
            let bytes = try await body(of: reply, limit: limit, operation)
            guard let json = try? JSON.parse(bytes) else {
                throw session.error(.protocol, operation, "the registry did not send JSON")
            }
            guard try visit(json, reply), let link = LinkHeader.next(in: reply.response.headers.values("Link")),
                let url = URLParts(reply.url)?.resolving(link), seen.insert(url).inserted
            else { return }
            guard let new = URLParts(url), let old = URLParts(reply.url), new.origin == old.origin,
                new.path.contains("/\(name)/")
            else {
                throw session.error(.blocked, operation, "the next page \(URLMask.mask(url)) is not at this repository")
            }
            target = .absolute(url)
        }
    }
}

/// The `Link` header of paginated lists.
enum LinkHeader {
    /// The target with `rel="next"`.
    static func next(in lines: [String]) -> String? {
        for line in lines {
            var rest = Substring(line)
            while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
                let target = String(rest[rest.index(after: open)..<close])
                rest = rest[rest.index(after: close)...]
                let parameters = rest.prefix { $0 != "<" }.lowercased().filter { $0 != " " && $0 != "\"" }
                if parameters.split(whereSeparator: { $0 == ";" || $0 == "," }).contains("rel=next") { return target }
            }
        }
        return nil
    }
}
