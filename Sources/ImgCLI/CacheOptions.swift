import ArgumentParser
import ImgBuilder
import ImgOCI
import ImgReport

/// Which caches a build uses.
struct CacheOptions: ParsableArguments {
    @Flag(name: .customLong("no-cache"), help: "Build every layer again.")
    var noCache = false

    @Option(
        name: .customLong("cache-from"),
        parsing: .unconditionalSingleValue,
        help: "REF, type=registry,ref=REF or type=local,src=DIR: use layers that other machines built; repeatable."
    )
    var from: [String] = []

    @Option(
        name: .customLong("cache-to"),
        parsing: .unconditionalSingleValue,
        help: "type=registry,ref=REF or type=local,dest=DIR[,ignore-error=true]: share this build's layers; repeatable."
    )
    var to: [String] = []

    func fill(_ build: inout BuildIntent) throws {
        build.request.usesCache = !noCache
        build.request.cacheSources = try from.map { try CacheOption(parsing: $0, of: "--cache-from").place("src") }
        if noCache, !from.isEmpty { build.notices.append("--cache-from has no effect with --no-cache") }
        build.request.cacheTargets = try to.map { text in
            let option = try CacheOption(parsing: text, of: "--cache-to")
            return CacheTarget(try option.place("dest"), ignoresErrors: try option.ignoresErrors())
        }
    }
}

/// One `--cache-from` or `--cache-to` in buildx's form: a bare reference, or `type=…` with attributes.
private struct CacheOption {
    private let option: String
    private let text: String
    private var attributes: [String: String] = [:]

    init(parsing text: String, of option: String) throws {
        self.text = text
        self.option = option
        if !text.contains("=") {
            attributes = ["type": "registry", "ref": text]
            return
        }
        for field in text.split(separator: ",") {
            let (key, value) = InputOptions.pair(String(field))
            guard let value else {
                throw BuildError(.usage, "invalid value \"\(text)\" of \(option): \"\(field)\" is not KEY=VALUE")
            }
            attributes[key] = value
        }
    }

    /// - Parameter pathKey: Attribute that names a local cache's directory.
    func place(_ pathKey: String) throws -> CachePlace {
        let place: CachePlace
        let type = attributes["type"] ?? ""
        switch type {
        case "registry":
            try check(known: ["type", "ref"])
            let text = try required("ref")
            let reference: ImageReference
            do {
                reference = try ImageReference(parsing: text)
            } catch {
                throw BuildError(.usage, "invalid ref of \(option): \(error)", hints: error.hint.map { [$0] } ?? [])
            }
            guard reference.digest == nil || option == "--cache-from" else {
                throw BuildError(.usage, "cannot write a cache to a digest reference (\(text)); give a tag")
            }
            place = .registry(reference)
        case "local":
            try check(known: ["type", pathKey])
            place = .local(path: try required(pathKey))
        case "inline", "gha", "s3", "azblob":
            throw BuildError(
                .usage,
                "\(option) type=\(type) is not supported",
                hints: [
                    "type=registry,ref=REPO:TAG works with any registry, type=local,\(pathKey)=DIR with any CI cache"
                ]
            )
        default:
            throw BuildError(.usage, "invalid value \"\(text)\" of \(option): type is registry or local")
        }
        return place
    }

    func ignoresErrors() throws -> Bool { try flag("ignore-error") ?? false }

    private func required(_ key: String) throws -> String {
        guard let value = attributes[key], !value.isEmpty else {
            throw BuildError(.usage, "invalid value \"\(text)\" of \(option): \(key) is missing")
        }
        return value
    }

    /// Attributes of buildx that describe what is done here anyway are taken; those that ask for something else are not.
    private func check(known: [String]) throws {
        for (key, value) in attributes.sorted(by: { $0.key < $1.key }) where !known.contains(key) {
            switch key {
            // There are no intermediate layers: both modes are the same.
            case "mode" where option == "--cache-to" && ["min", "max"].contains(value): continue
            case "ignore-error" where option == "--cache-to": continue
            case "image-manifest", "oci-mediatypes":
                if try flag(key) == true { continue }
                throw BuildError(.usage, "\(option) \(key)=false is not supported: the cache is an OCI image manifest")
            case "mode" where option == "--cache-to":
                throw BuildError(.usage, "invalid value \"\(value)\" of mode in --cache-to: min or max")
            default: throw BuildError(.usage, "attribute \(key) of \(option) is not supported")
            }
        }
    }

    private func flag(_ key: String) throws -> Bool? {
        guard let value = attributes[key] else { return nil }
        switch value.lowercased() {
        case "true", "1", "t": return true
        case "false", "0", "f": return false
        default: throw BuildError(.usage, "invalid value \"\(value)\" of \(key) in \(option): true or false")
        }
    }
}
