/// Many paths in one buffer, sorted depth first: `a`, `a/b`, `a-b`.
///
/// Paths are relative and clean (`usr/bin`); the empty path is the root. Sorting compares component by component, so
/// everything below a directory is one contiguous range right behind it.
struct PathTable: Sendable {
    private(set) var bytes: [UInt8] = []
    /// `count + 1` offsets into ``bytes``.
    private(set) var starts: [UInt32] = [0]

    init() {}

    var count: Int { starts.count - 1 }
    var isEmpty: Bool { starts.count == 1 }

    /// Adds a path behind all others; the caller keeps the order.
    ///
    /// - Returns: false when the buffer would pass 4 GiB.
    mutating func append(_ path: some Collection<UInt8>) -> Bool {
        guard bytes.count + path.count < Int(UInt32.max) else { return false }
        bytes.append(contentsOf: path)
        starts.append(UInt32(bytes.count))
        return true
    }

    mutating func reserve(count: Int, bytes size: Int) {
        starts.reserveCapacity(count + 1)
        bytes.reserveCapacity(size)
    }

    func bounds(_ index: Int) -> Range<Int> {
        Int(starts[index])..<Int(starts[index + 1])
    }

    func length(_ index: Int) -> Int { bounds(index).count }

    subscript(index: Int) -> ArraySlice<UInt8> { bytes[bounds(index)] }

    /// The entries whose component at `offset` equals `component`: the path itself, if present, and all below it.
    ///
    /// - Parameters:
    ///   - component: A slice of some path without `/`.
    ///   - offset: Where the component starts in the paths: 0 at the root, one past the parent's length below it.
    ///   - range: The entries of the parent directory; all start with the parent's path.
    func narrow(to component: ArraySlice<UInt8>, at offset: Int, in range: Range<Int>) -> Range<Int> {
        let lower = partition(range) { compare($0, at: offset, with: component) < 0 }
        let upper = partition(lower..<range.upperBound) { compare($0, at: offset, with: component) <= 0 }
        return lower..<upper
    }

    /// Where the group that starts at `index` ends: the first entry with another component at `offset`.
    func groupEnd(from index: Int, at offset: Int, in range: Range<Int>) -> Int {
        let name = component(index, at: offset)
        var step = 1
        var low = index
        while low + step < range.upperBound, compare(low + step, at: offset, with: name) == 0 {
            low += step
            step *= 2
        }
        return partition(low..<min(low + step, range.upperBound)) { compare($0, at: offset, with: name) <= 0 }
    }

    /// The component of a path that starts at `offset`.
    func component(_ index: Int, at offset: Int) -> ArraySlice<UInt8> {
        let whole = bounds(index)
        let start = min(whole.lowerBound + offset, whole.upperBound)
        var end = start
        while end < whole.upperBound, bytes[end] != UInt8(ascii: "/") { end += 1 }
        return bytes[start..<end]
    }

    /// Whether a path is in the table.
    func contains(_ path: ArraySlice<UInt8>) -> Bool {
        if isEmpty { return false }
        let position = partition(0..<count) { PathOrder.compare(self[$0], path) < 0 }
        return position < count && self[position] == path
    }

    private func compare(_ index: Int, at offset: Int, with component: ArraySlice<UInt8>) -> Int {
        let whole = bounds(index)
        var position = whole.lowerBound + offset
        for byte in component {
            guard position < whole.upperBound else { return -1 }
            let own = bytes[position]
            if own == UInt8(ascii: "/") { return -1 }
            if own != byte { return own < byte ? -1 : 1 }
            position += 1
        }
        return position >= whole.upperBound || bytes[position] == UInt8(ascii: "/") ? 0 : 1
    }

    /// The first index in `range` for which `isBefore` is false.
    private func partition(_ range: Range<Int>, isBefore: (Int) -> Bool) -> Int {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = low + (high - low) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The order of LAY-2: depth first, names of a directory bytewise.
package enum PathOrder {
    /// Negative, zero or positive; `/` sorts before every other byte, so a directory's content follows it directly.
    package static func compare(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Int {
        let shared = min(left.count, right.count)
        var offset = 0
        while offset < shared {
            let one = left[left.startIndex + offset]
            let other = right[right.startIndex + offset]
            if one != other { return rank(one) < rank(other) ? -1 : 1 }
            offset += 1
        }
        return left.count - right.count
    }

    /// Whether `left` comes first.
    package static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        compare(left[...], right[...]) < 0
    }

    private static func rank(_ byte: UInt8) -> UInt8 {
        byte == UInt8(ascii: "/") ? 0 : byte
    }
}

/// Small operations on relative paths in bytes.
package enum TreePath {
    /// The longest path, in bytes, that a file system takes (`PATH_MAX`); bounds the depth of trees.
    package static let longest = 4096

    /// Clean and relative: no leading `/`, no `.` or `..`, nothing for the root.
    package static func relative(_ path: [UInt8]) -> [UInt8] {
        if isRelativeClean(path) { return path }
        var parts: [ArraySlice<UInt8>] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual(".".utf8) { continue }
            if part.elementsEqual("..".utf8) {
                _ = parts.popLast()
                continue
            }
            parts.append(part)
        }
        return Array(parts.joined(separator: [UInt8(ascii: "/")]))
    }

    /// The directory that holds a relative path; the root's parent is the root.
    package static func parent(_ path: [UInt8]) -> [UInt8] {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return [] }
        return Array(path[..<slash])
    }

    /// The last component.
    package static func name(_ path: [UInt8]) -> ArraySlice<UInt8> {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return path[...] }
        return path[(slash + 1)...]
    }

    /// `directory/rest`; either may be empty.
    package static func join(_ directory: [UInt8], _ rest: ArraySlice<UInt8>) -> [UInt8] {
        if directory.isEmpty { return Array(rest) }
        if rest.isEmpty { return directory }
        var path: [UInt8] = []
        path.reserveCapacity(directory.count + 1 + rest.count)
        path.append(contentsOf: directory)
        path.append(UInt8(ascii: "/"))
        path.append(contentsOf: rest)
        return path
    }

    /// `directory/rest`; either may be empty.
    package static func join(_ directory: [UInt8], _ rest: [UInt8]) -> [UInt8] { join(directory, rest[...]) }

    /// Whether `path` lies below `directory` (not equal to it).
    package static func isBelow(_ path: ArraySlice<UInt8>, _ directory: ArraySlice<UInt8>) -> Bool {
        if directory.isEmpty { return !path.isEmpty }
        guard path.count > directory.count, path.starts(with: directory) else { return false }
        return path[path.startIndex + directory.count] == UInt8(ascii: "/")
    }

    /// Whether ``relative(_:)`` would change nothing.
    static func isRelativeClean(_ path: [UInt8]) -> Bool {
        var length = 0
        var dots = 0
        for byte in path {
            if byte == UInt8(ascii: "/") {
                if length == 0 || (length == dots && length <= 2) { return false }
                length = 0
                dots = 0
            } else {
                length += 1
                if byte == UInt8(ascii: ".") { dots += 1 }
            }
        }
        return path.isEmpty || (length > 0 && !(length == dots && length <= 2))
    }
}
