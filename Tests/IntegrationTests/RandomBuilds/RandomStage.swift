import ImgOCI

/// What is known of a stage while the generator writes it.
struct RandomStage: Sendable {
    /// A trigger as it is written and what it does.
    struct Trigger: Sendable {
        var text: String
        var apply: @Sendable (inout RandomStage) throws(Unwanted) -> Void
    }

    var name: String
    /// Whether there is more in it than the tree says.
    var hasBase: Bool
    var tree: ModelTree = [:]
    /// The listing of each layer that its instructions made; nil when it isn't known.
    var layers: [[String]?] = []
    var labels: [String: String] = [:]
    var variables: [String: String] = [:]
    /// Other members of the image's configuration.
    var config: [String: JSON] = [:]
    var workdir = ""
    var user = ""
    var hasCommand = false
    var triggers: [Trigger] = []

    /// Takes a layer that an instruction made.
    mutating func add(_ layer: ModelLayer) throws(Unwanted) {
        tree = try layer.merged()
        layers.append(layer.listing())
    }

    /// The owner of what WORKDIR makes (CP-25); nil without USER.
    var owner: (uid: Int, gid: Int)? {
        if user.isEmpty { return nil }
        let parts = user.split(separator: ":").compactMap { Int($0) }
        guard let uid = parts.first else { return (0, 0) }
        return (uid, parts.count > 1 ? parts[1] : uid)
    }

    /// A destination from the root.
    func absolute(_ destination: String) -> String {
        destination.hasPrefix("/") ? destination : "/" + ModelPath.join(workdir, destination)
    }
}

/// How a text is written so that the frontend reads it again.
struct Spelling: Sendable {
    /// The escape character of the file.
    var escape: Character = "\\"

    /// A word that expansion leaves as `text`.
    func word(_ text: String) -> String {
        String(text.flatMap { ["$", "'", "\"", escape].contains($0) ? [escape, $0] : [$0] })
    }

    /// In double quotes, for `ENV` and `LABEL`.
    func quoted(_ text: String) -> String {
        "\"" + String(text.flatMap { ["$", "\"", escape].contains($0) ? [escape, $0] : [$0] }) + "\""
    }

    /// Operands of COPY and ADD; in JSON form when the plain form cannot say them.
    ///
    /// - Parameter words: Already as ``word(_:)`` makes them.
    func operands(_ words: [String], json: Bool) -> String {
        let needsJSON = words.contains { word in
            word.isEmpty || word.hasPrefix("--") || word.hasPrefix("[") || word.hasPrefix("<<")
                || word.unicodeScalars.contains { $0.properties.isWhitespace }
        }
        guard json || needsJSON else { return words.joined(separator: " ") }
        return Self.json(words)
    }

    static func json(_ values: [String]) -> String {
        // Not ``JSON``: what writes here must not be what is tested.
        "["
            + values.map { value in
                let scalars = value.unicodeScalars.map { scalar -> String in
                    switch scalar {
                    case "\"", "\\": "\\" + String(scalar)
                    case "\n": "\\n"
                    case "\t": "\\t"
                    default: String(scalar)
                    }
                }
                return "\"" + scalars.joined() + "\""
            }
            .joined(separator: ", ") + "]"
    }
}
