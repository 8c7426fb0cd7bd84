import ImgTestKit

extension DockerfileWriter {
    /// Where an instruction writes: as it is spelled, and as it is.
    private struct Place {
        var word: String
        var path: String
    }

    /// `COPY` or `ADD` of files and directories of the context.
    mutating func writeCopy() throws(Unwanted) {
        let source = context.visible
        let verb = dice.once(in: 5) ? "ADD" : "COPY"
        let (flags, text) = flags()
        var operands: [(path: String, spelled: String)] = []
        for _ in 0..<dice.pick([1, 1, 1, 2, 3]) { operands.append(try operand(of: source, allowsAll: true)) }
        // ADD would unpack it.
        if verb == "ADD" {
            for operand in operands where context.archives[try source.resolve(operand.path)] != nil { throw Unwanted() }
        }
        let place = try destination()
        var layer = layer(flags)
        for operand in operands { try copy(operand.path, of: source, to: place.path, into: &layer) }
        try stage.add(layer)
        write("\(verb) \(text)\(list(operands.map(\.spelled), place))")
    }

    /// `COPY --from` of an earlier stage.
    mutating func writeCopyFromStage() throws(Unwanted) {
        guard let number = dice.pick(from: Array(stages.indices)) else { throw Unwanted() }
        let source = stages[number].tree.filter { !$0.key.contains(RandomBuild.architecture) }
        let hasArchitecture = source.count < stages[number].tree.count
        let (flags, text) = flags()
        let operand = try operand(of: source, allowsAll: !stages[number].hasBase && !hasArchitecture && !source.isEmpty)
        // What a directory holds must be known.
        let top = try source.resolve(operand.path)
        let unknown = stages[number].tree.keys.filter { $0.contains(RandomBuild.architecture) }
        if unknown.contains(where: { ModelPath.isBelow($0, top) }) { throw Unwanted() }
        let place = try destination()
        var layer = layer(flags)
        try copy(operand.path, of: source, to: place.path, into: &layer)
        try stage.add(layer)
        let name = dice.once(in: 3) ? "\(number)" : stages[number].name
        write("COPY --from=\(name) \(text)\(list([operand.spelled], place))")
    }

    /// `COPY *.txt` and the like, from the context (CP-3).
    mutating func writeWildcard() throws(Unwanted) {
        let source = context.visible
        let directories = [""] + source.paths(.directory).filter(RandomContext.isPlain)
        let directory = dice.pick(directories)
        let suffix = dice.pick([".txt", ".tmp", "a", ""])
        let (flags, text) = flags(allowsExclude: false)
        let place = try destination()
        var layer = layer(flags)
        for path in source.below(directory) {
            guard ModelPath.parent(path) == directory, ModelPath.name(path).hasSuffix(suffix) else { continue }
            try copy(path, of: source, to: place.path, into: &layer)
        }
        try stage.add(layer)
        write("COPY \(text)\(list([ModelPath.join(directory, "*" + suffix)], place))")
    }

    mutating func writeParents() throws(Unwanted) {
        let source = context.visible
        let (flags, text) = flags()
        guard let path = dice.pick(from: source.keys.filter(RandomContext.isPlain).sorted()) else { throw Unwanted() }
        // A link in front of the pivot would be followed.
        let prefixes = ModelPath.prefixes(path).dropLast().filter { source[$0]?.kind == .directory }
        let root = dice.once(in: 2) ? "" : dice.pick(from: Array(prefixes)) ?? ""
        let inner = root.isEmpty ? path : String(path.dropFirst(root.count + 1))
        let place = try destination()
        var layer = layer(flags)
        try layer.copyWithParents(inner, below: root, of: source, to: place.path)
        try stage.add(layer)
        let spelled = root.isEmpty ? inner : "\(dice.pick(["", "/", "./"]))\(root)/./\(inner)"
        // "./x/./y" would be cut at the first pivot.
        let word = spelled.hasPrefix("./") ? String(spelled.dropFirst(2)) : spelled
        write("COPY --parents \(text)\(list([word], place))")
    }

    mutating func writeHeredoc() throws(Unwanted) {
        let (flags, text) = flags(allowsExclude: false)
        let name = dice.pick(["EOF", "file.txt", "E-1"])
        let isQuoted = dice.once(in: 2)
        let stripsTabs = dice.once(in: 3)
        let variable = try variable(worth: "some text")
        let written = dice.pick([
            "", "plain\n", "a \\$ b\n\n c\n", "$\(variable) ${\(variable)%text}\n", "# no comment \\\\\n",
        ])
        var body = written
        if !isQuoted {
            body = body.replacing("$\(variable) ${\(variable)%text}", with: "some text some ")
            body = body.replacing("\\$", with: "$").replacing("\\\\", with: "\\")
        }
        let place = try destination()
        var layer = layer(flags)
        let file: ModelTree = [name: ModelObject(kind: .file, content: Array(body.utf8))]
        try copy(name, of: file, to: place.path, into: &layer)
        try stage.add(layer)
        let marker = "<<\(stripsTabs ? "-" : "")\(isQuoted ? "\"\(name)\"" : name)"
        guard !place.word.contains(where: { $0.isWhitespace || $0 == "'" }) else { throw Unwanted() }
        let tabs = stripsTabs ? "\t\t" : ""
        write("COPY \(text)\(marker) \(place.word)\n" + lines(written, after: tabs) + tabs + name)
    }

    private func lines(_ text: String, after prefix: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { "\(prefix)\($0)\n" }.joined()
    }

    /// One archive, often with another one over it.
    mutating func writeArchive() throws(Unwanted) {
        let archives = context.archives.keys.filter { context.visible[$0] != nil }.sorted()
        let place = try destination()
        try unpack(archives, at: place)
        if dice.once(in: 2) { try unpack(archives, at: place) }
    }

    private mutating func unpack(_ archives: [String], at place: Place) throws(Unwanted) {
        guard let name = dice.pick(from: archives), let members = context.archives[name] else { throw Unwanted() }
        let (flags, text) = flags(allowsExclude: false)
        var layer = layer(flags)
        try layer.unpack(members, to: place.path)
        try stage.add(layer)
        let unpacks = dice.once(in: 4) ? "--unpack=true " : ""
        write("ADD \(text)\(unpacks)\(list([name], place))")
    }

    /// A file of the base, or one through the base's links: the result is not foretold.
    mutating func writeUnknown() throws(Unwanted) {
        if stage.hasBase, dice.once(in: 2), let path = dice.pick(from: context.visible.paths(.file)),
            !path.contains(where: { "[*?".contains($0) })
        {
            write("COPY \(spelling.operands([spelling.word(path), "/bin/new-\(fresh)"], json: false))")
        } else {
            write("COPY --from=base \(dice.pick(["/etc", "/bin/busybox", "/bin/sh", "/"])) /of-base-\(fresh)")
        }
        stage.layers.append(nil)
        stage.hasBase = true
    }

    mutating func writeTrigger() throws(Unwanted) {
        let source = context.visible
        guard let path = dice.pick(from: source.keys.filter(RandomContext.isPlain).sorted()),
            source[path]?.kind != .symlink, context.archives[path] == nil
        else { throw Unwanted() }
        let number = fresh
        let place = "/triggered-\(number)/"
        let trigger = RandomStage.Trigger(text: "COPY --chown=7 \(path) \(place)") { stage throws(Unwanted) in
            var flags = ModelLayer.Flags()
            flags.owner = (7, 7)
            var layer = ModelLayer(over: stage.tree, flags: flags, serial: -number)
            try layer.copy(path, named: ModelPath.name(path), of: source, to: place)
            try stage.add(layer)
        }
        write("ONBUILD \(trigger.text)")
        stage.triggers.append(trigger)
    }

    // MARK: Parts

    private func copy(
        _ path: String,
        of source: ModelTree,
        to place: String,
        into layer: inout ModelLayer
    ) throws(Unwanted) {
        // A link is followed, and its own name counts (CP-8).
        let resolved = try source.resolve(path)
        guard path.isEmpty || !resolved.isEmpty else { throw Unwanted() }
        try layer.copy(resolved, named: ModelPath.name(path), of: source, to: place)
    }

    private mutating func list(_ sources: [String], _ place: Place) -> String {
        spelling.operands(sources + [place.word], json: dice.once(in: 5))
    }

    /// A source path with its spelling.
    private mutating func operand(
        of source: ModelTree,
        allowsAll: Bool
    ) throws(Unwanted) -> (path: String, spelled: String) {
        if allowsAll, dice.once(in: 5) { return ("", dice.pick([".", "/", "./"])) }
        guard let path = dice.pick(from: source.keys.sorted()) else { throw Unwanted() }
        // Written as it is, it would be a wildcard.
        if path.contains(where: { "[*?".contains($0) }) { throw Unwanted() }
        let prefix = dice.pick(["", "", "", "/", "./", "../"])
        let isDirectory = source[path]?.kind == .directory
        // `name/` at the end of a line would not be a continuation, but `name\` is.
        return (path, spelling.word(prefix + path + (isDirectory && dice.once(in: 4) ? "/" : "")))
    }

    private mutating func flags(allowsExclude: Bool = true) -> (flags: ModelLayer.Flags, text: String) {
        var flags = ModelLayer.Flags()
        var texts: [String] = []
        if dice.once(in: 4) {
            let (text, uid, gid) = dice.pick([
                ("1000", 1000, 1000), ("1:2", 1, 2), ("root:65534", 0, 65534), ("0:0", 0, 0),
                ("2147483647:0", 2_147_483_647, 0),
            ])
            flags.owner = (uid, gid)
            texts.append("--chown=\(text)")
        }
        if dice.once(in: 4) {
            let chmod = dice.pick(Self.modes)
            flags.chmod = chmod
            texts.append("--chmod=\(chmod.text)")
        }
        if dice.once(in: 5) {
            flags.isLink = true
            texts.append(dice.pick(["--link", "--link=true"]))
        }
        if allowsExclude, dice.once(in: 5) {
            let pattern: ModelPattern = dice.pick([
                .anywhere(suffix: ".tmp"), .anywhere(suffix: ".txt"), .path("data"), .directly(in: "", suffix: ".txt"),
            ])
            flags.excludes = [pattern]
            texts.append("--exclude=\(pattern.text)")
        }
        return (flags, dice.shuffled(texts).map { $0 + " " }.joined())
    }

    private static let modes: [ModelLayer.Chmod] = [
        .init(text: "755", octal: 0o755) { _, _ in 0o755 },
        .init(text: "0600", octal: 0o600) { _, _ in 0o600 },
        .init(text: "4711", octal: 0o4711) { _, _ in 0o4711 },
        .init(text: "1777", octal: 0o1777) { _, _ in 0o1777 },
        .init(text: "+x") { mode, _ in mode | 0o111 },
        .init(text: "go-w,u+r") { mode, _ in mode & ~0o022 | 0o400 },
        .init(text: "a+rX") { mode, isDirectory in mode | 0o444 | (isDirectory || mode & 0o111 != 0 ? 0o111 : 0) },
        .init(text: "o=") { mode, _ in mode & ~0o007 },
    ]

    /// A destination that is new, or one that is there already.
    private mutating func destination() throws(Unwanted) -> Place {
        if dice.once(in: 3),
            let path = dice.pick(from: stage.tree.keys.filter(RandomContext.isPlain).sorted())
        {
            // What the base has is not known, and a link may lead there.
            guard !path.contains(RandomBuild.architecture), !stage.hasBase || stage.tree[path]?.kind != .symlink else {
                throw Unwanted()
            }
            let end = dice.once(in: 3) ? "" : "/"
            return Place(word: "/" + path + end, path: path + end)
        }
        let names =
            ["out", "é", "srv.d", "d-1"]
            + (dice.once(in: 4) ? ["with space", "it's", String(repeating: "p", count: 130)] : [])
        var words = [""]
        var parts: [String] = []
        for number in 0..<dice.number(1...3) {
            let name = dice.pick(names) + (number == 0 ? "\(fresh)" : "")
            parts.append(name)
            words.append(try component(name))
        }
        if dice.once(in: 8) {
            append("ARG TARGETARCH")
            parts.append("for-" + RandomBuild.architecture)
            words.append("for-${TARGETARCH}")
        }
        let isRelative = dice.once(in: 4)
        let end = dice.once(in: 2) ? "/" : ""
        let word = (isRelative ? Array(words.dropFirst()) : words).joined(separator: "/")
        let path = stage.absolute((isRelative ? "" : "/") + parts.joined(separator: "/"))
        return Place(word: word + end, path: String(path.dropFirst()) + end)
    }

    /// A part of a path, plainly or in one of the ways that come to the same.
    private mutating func component(_ name: String) throws(Unwanted) -> String {
        guard RandomContext.isPlain(name), dice.once(in: 3) else { return spelling.word(name) }
        switch dice.number(1...6) {
        case 1: return "${nosuch:-\(name)}"
        case 2: return "${\(try variable(worth: name))}"
        case 3: return "${\(try variable(worth: name + ".x.y"))%.x*}"
        case 4: return "${\(try variable(worth: "aa/" + name))#*/}"
        case 5: return "${\(try variable(worth: "1")):+\(name)}"
        default: return "\"\(name)\""
        }
    }
}
