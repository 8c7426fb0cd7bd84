import ImgBuilder
import ImgOCI

/// The answer of `--dry-run`.
struct ForecastText {
    let lines: [String]

    init(_ forecast: BuildForecast) {
        var lines: [String] = []
        for image in forecast.images {
            lines.append("\(image.platform)")
            lines += TextTable.lines(image.layers.map { Self.row($0, forecast.repositories) }).map { "  " + $0 }
        }
        for tag in forecast.tags {
            let news = tag.isReadable ? "is new" : "may be there or not: this account may not read"
            lines.append("\(tag.reference.familiar) \(tag.current.map { "points to \($0) now" } ?? news)")
        }
        for (number, repository) in forecast.repositories.enumerated() {
            lines.append("\(repository): \(Self.total(forecast, number))")
        }
        self.lines = lines.map(Self.trimmed)
    }

    private static func trimmed(_ line: String) -> String {
        String(line.reversed().drop { $0 == " " }.reversed())
    }

    private static func row(_ layer: BuildForecast.Layer, _ repositories: [String]) -> [String] {
        let name = layer.descriptor?.digest.short ?? "new"
        let size: String
        switch layer.origin {
        case .base, .cache: size = layer.descriptor.map { "\(ByteCount($0.size))" } ?? ""
        case .made(let bytes): size = "of \(ByteCount(bytes))"
        }
        let words = layer.transfers.map(word)
        let isSame = Set(words).count == 1
        let transfer = isSame ? words[0] : zip(repositories, words).map { "\($0): \($1)" }.joined(separator: ", ")
        let origin =
            switch layer.origin {
            case .base: "base"
            case .cache: "cached"
            case .made: "to be made"
            }
        return [name, size, origin, transfer, layer.step ?? ""]
    }

    private static func word(_ transfer: BuildForecast.Transfer) -> String {
        switch transfer {
        case .exists: "exists"
        case .mount(let source): "mount from \(source)"
        case .upload: "upload"
        }
    }

    /// What has to be sent to a repository, each layer once.
    private static func total(_ forecast: BuildForecast, _ repository: Int) -> String {
        var known: [String: Int64] = [:]
        var made: [String: Int64] = [:]
        for layer in forecast.images.flatMap(\.layers) where layer.transfers[repository] == .upload {
            if case .made(let bytes) = layer.origin {
                made[layer.id] = bytes
            } else {
                known[layer.id] = layer.descriptor?.size
            }
        }
        var parts: [String] = []
        if !known.isEmpty { parts.append("\(ByteCount(known.values.reduce(0, &+))) in \(count(known.count)) to send") }
        if !made.isEmpty {
            let bytes = ByteCount(made.values.reduce(0, &+))
            parts.append("\(count(made.count)) of \(bytes) to make, compress and send")
        }
        return parts.isEmpty ? "no layer to send" : parts.joined(separator: ", ")
    }

    private static func count(_ layers: Int) -> String { layers == 1 ? "1 layer" : "\(layers) layers" }
}
