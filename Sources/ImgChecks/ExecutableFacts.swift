import ImgOCI

/// What is remembered of a file that can be started or loaded: enough to predict a start without its bytes.
package struct ExecutableFacts: Hashable, Sendable {
    /// What the file is.
    package var format: BinaryFormat
    /// Program interpreter (`PT_INTERP`).
    package var interpreter: String?
    /// Libraries by name (`DT_NEEDED`), in order.
    package var needed: [String] = []
    /// The name it is loaded under besides its file's (`DT_SONAME`).
    package var soname: String?
    /// `DT_RPATH`, used only without a run path.
    package var rpath: String?
    /// `DT_RUNPATH`.
    package var runpath: String?
    /// Newest `GLIBC_x.y` that is asked for.
    package var glibcNeeded: LibraryVersion?
    /// Newest `GLIBC_x.y` that is offered; only libc itself has one.
    package var glibcDefined: LibraryVersion?
    /// False when the dynamic section lay out of reach: then nothing is known about libraries.
    package var hasDynamicInfo = false
    /// Shared only by files that are the same program; nil for scripts.
    ///
    /// Of the size and the first bytes, where linkers put what identifies a build.
    package var fingerprint: String?

    package init(format: BinaryFormat) {
        self.format = format
    }
}

/// `2.36`.
package struct LibraryVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    /// Reads `GLIBC_2.36` or `GLIBC_2.2.5`; nil for `GLIBC_PRIVATE` and other names.
    package init?(symbolVersion text: String) {
        // Packed relocations: the first loader that knows them says so with a version of this name.
        if text == "GLIBC_ABI_DT_RELR" {
            self.init("2.36")
            return
        }
        guard text.hasPrefix("GLIBC_") else { return nil }
        self.init(text.dropFirst("GLIBC_".count))
    }

    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".").map { Int($0) }
        guard parts.count >= 2, let major = parts[0], let minor = parts[1] else { return nil }
        self.major = major
        self.minor = minor
    }

    package var description: String { "\(major).\(minor)" }

    package static func < (left: LibraryVersion, right: LibraryVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

// MARK: - Stored form

extension ExecutableFacts {
    /// A compact form for the path index.
    package var encoded: [UInt8] {
        var object = JSONObject()
        switch format {
        case .elf(let machine, let kind):
            object["elf"] = .string(machine.name)
            object["abi"] = machine.abi.map(JSON.string)
            object["kind"] = .string(kind.rawValue)
        case .machO(let machines): object["macho"] = .strings(machines.map(\.name))
        case .pe(let machine, let isLibrary):
            object["pe"] = .string(machine.name)
            if isLibrary { object["dll"] = .bool(true) }
        case .script(let shebang):
            object["script"] = .string(shebang.interpreter)
            object["arg"] = shebang.argument.map(JSON.string)
            if shebang.endsInCarriageReturn { object["cr"] = .bool(true) }
        }
        object["interp"] = interpreter.map(JSON.string)
        if !needed.isEmpty { object["needed"] = .strings(needed) }
        object["soname"] = soname.map(JSON.string)
        object["rpath"] = rpath.map(JSON.string)
        object["runpath"] = runpath.map(JSON.string)
        object["glibc"] = glibcNeeded.map { .string($0.description) }
        object["offers"] = glibcDefined.map { .string($0.description) }
        if hasDynamicInfo { object["dyn"] = .bool(true) }
        object["print"] = fingerprint.map(JSON.string)
        return JSON.object(object).encoded()
    }

    /// Reads ``encoded``; nil for anything else.
    package init?(decoding bytes: [UInt8]) {
        guard let object = try? JSON.parse(bytes).objectValue else { return nil }
        if let name = object["elf"]?.stringValue {
            let kind = object["kind"]?.stringValue.flatMap(BinaryFormat.ELFKind.init(rawValue:)) ?? .other
            format = .elf(machine: BinaryFormat.Machine(name, abi: object["abi"]?.stringValue), kind: kind)
        } else if let names = object["macho"]?.stringArray {
            format = .machO(names.map { BinaryFormat.Machine($0) })
        } else if let name = object["pe"]?.stringValue {
            format = .pe(BinaryFormat.Machine(name), isLibrary: object["dll"]?.boolValue ?? false)
        } else if let interpreter = object["script"]?.stringValue {
            let shebang = Shebang(
                interpreter: interpreter,
                argument: object["arg"]?.stringValue,
                endsInCarriageReturn: object["cr"]?.boolValue ?? false
            )
            format = .script(shebang)
        } else {
            return nil
        }
        interpreter = object["interp"]?.stringValue
        needed = object["needed"]?.stringArray ?? []
        soname = object["soname"]?.stringValue
        rpath = object["rpath"]?.stringValue
        runpath = object["runpath"]?.stringValue
        glibcNeeded = object["glibc"]?.stringValue.flatMap { LibraryVersion($0) }
        glibcDefined = object["offers"]?.stringValue.flatMap { LibraryVersion($0) }
        hasDynamicInfo = object["dyn"]?.boolValue ?? false
        fingerprint = object["print"]?.stringValue
    }
}
