import ImgOCI
import ImgTestKit

extension DockerfileWriter {
    /// The name of a variable that has a value from here on.
    mutating func variable(worth value: String) throws(Unwanted) -> String {
        let name = "v\(fresh)_\(dice.number(0...999))"
        guard !value.contains("\n") else { throw Unwanted() }
        if dice.once(in: 2) {
            append("ARG \(name)=\(spelling.quoted(value))")
        } else {
            append("ENV \(name)=\(spelling.quoted(value))")
            stage.variables[name] = value
        }
        return name
    }

    mutating func writeWorkdir() throws(Unwanted) {
        let parts = (0..<dice.number(1...2)).map { _ in dice.pick(["w", "work dir", "ü", "x"]) + "\(fresh)" }
        let isAbsolute = dice.once(in: 2)
        let path = (isAbsolute ? "/" : "") + parts.joined(separator: "/")
        let place = String(stage.absolute(path).dropFirst())
        var flags = ModelLayer.Flags()
        flags.owner = stage.owner
        var layer = layer(flags)
        try layer.makeDirectories(place)
        try stage.add(layer)
        stage.workdir = place
        stage.config["WorkingDir"] = .string("/" + place)
        write("WORKDIR \(path)")
    }

    /// Anything that only changes the configuration.
    mutating func writeConfiguration() {
        let value = dice.pick(["x", "two words", "it's \"q\" $d", "a=b", "ü", ""])
        switch dice.number(1...10) {
        case 1...2:
            let key = dice.pick(["a", "b.c", "ü", "with space"])
            stage.labels[key] = value
            write("LABEL \(spelling.quoted(key))=\(spelling.quoted(value))")
        case 3:
            let name = dice.pick(["A", "B_2", "c.d"])
            stage.variables[name] = value
            write("ENV \(name)=\(spelling.quoted(value))")
        case 4:
            stage.labels["arch"] = RandomBuild.architecture
            append("ARG TARGETARCH")
            write("LABEL arch=$TARGETARCH")
        case 5:
            stage.user = dice.pick(["1000", "0", "5:6"])
            stage.config["User"] = .string(stage.user)
            write("USER \(stage.user)")
        case 6:
            let port = dice.number(1...60_000)
            add("\(port)/tcp", to: "ExposedPorts")
            add("\(port + 1)/udp", to: "ExposedPorts")
            write("EXPOSE \(port) \(port + 1)/UDP")
        case 7:
            add("/vol\(fresh)", to: "Volumes")
            write("VOLUME \(dice.once(in: 2) ? "[\"/vol\(fresh)\"]" : "/vol\(fresh)")")
        case 8:
            stage.config["Healthcheck"] = .object(JSONObject([("Interval", .null), ("Test", .null)]))
            write("HEALTHCHECK --interval=1m30s CMD \(dice.once(in: 2) ? Spelling.json(["/x", value]) : "x \(value)")")
        case 9:
            stage.hasCommand = true
            let isShell = dice.once(in: 3)
            stage.config["Cmd"] = .strings((isShell ? ["/bin/sh", "-c"] : []) + [value + "."])
            write("CMD \(isShell ? value + "." : Spelling.json([value + "."]))")
        default:
            if !stage.hasCommand { stage.config["Cmd"] = nil }
            stage.config["Entrypoint"] = .strings(["/x", value])
            stage.config["StopSignal"] = .string("SIGINT")
            write("ENTRYPOINT \(Spelling.json(["/x", value]))")
            write("STOPSIGNAL SIGINT")
        }
    }

    private mutating func add(_ key: String, to member: String) {
        var keys = stage.config[member]?.objectValue.map { $0.keys } ?? []
        if !keys.contains(key) { keys.append(key) }
        stage.config[member] = .object(JSONObject(keys.map { ($0, .object(JSONObject())) }))
    }
}
