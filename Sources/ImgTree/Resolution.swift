import ImgStream

/// Where a path leads when every symbolic link is followed inside the root (`scoped()`, CP-11).
package struct Resolution: Sendable {
    /// How far the way led.
    package enum Outcome: Sendable, Hashable {
        /// The path exists.
        case found
        /// Some component does not exist; it and those behind it were appended literally.
        case missing
        /// A component that is no directory stands in the way.
        case notDirectory([UInt8])
        /// More than 255 links were followed.
        case tooManyLinks
        /// A link's target or the path it leads to is longer than a file system takes.
        case tooLong
    }

    /// Relative and free of links; the root is empty.
    package var path: [UInt8]
    /// What is there; nil unless found.
    package var entry: Entry?
    package var outcome: Outcome

    /// The most links followed for one path.
    package static let linkLimit = 255

    /// Resolves `path` by asking `lookup` for one literal path at a time.
    ///
    /// - Parameters:
    ///   - followLast: Whether a link at the very end is followed.
    ///   - lookup: Gives the entry at a relative path, without following links.
    package static func of<Failure: Error>(
        _ path: [UInt8],
        followLast: Bool,
        lookup: ([UInt8]) async throws(Failure) -> Entry?
    ) async throws(Failure) -> Resolution {
        var walk = Walk(path)
        while let next = walk.nextStep(followLast: followLast) {
            let entry = try await walk.isMissing ? nil : lookup(next)
            walk.take(entry)
        }
        return walk.resolution
    }

    /// ``of(_:followLast:lookup:)`` for lookups that do not wait.
    package static func of<Failure: Error>(
        _ path: [UInt8],
        followLast: Bool,
        synchronously lookup: ([UInt8]) throws(Failure) -> Entry?
    ) throws(Failure) -> Resolution {
        var walk = Walk(path)
        while let next = walk.nextStep(followLast: followLast) {
            let entry = try walk.isMissing ? nil : lookup(next)
            walk.take(entry)
        }
        return walk.resolution
    }

    /// The way of one path: what has been resolved, and the components ahead in reverse.
    private struct Walk {
        private var reached: [UInt8] = []
        private var reachedEntry: Entry? = .impliedDirectory([])
        private var ahead: [ArraySlice<UInt8>]
        private var candidate: [UInt8] = []
        private var links = 0
        private var followLast = true
        private var failure: Outcome?
        private(set) var isMissing = false

        init(_ path: [UInt8]) {
            ahead = path.split(separator: UInt8(ascii: "/")).reversed()
        }

        var resolution: Resolution {
            let outcome = failure ?? (isMissing ? .missing : .found)
            return Resolution(path: reached, entry: outcome == .found ? reachedEntry : nil, outcome: outcome)
        }

        /// The next literal path to look up.
        mutating func nextStep(followLast: Bool) -> [UInt8]? {
            self.followLast = followLast
            while failure == nil, let component = ahead.last {
                if component.elementsEqual(".".utf8) {
                    ahead.removeLast()
                    continue
                }
                if component.elementsEqual("..".utf8) {
                    ahead.removeLast()
                    stepUp()
                    continue
                }
                if !isMissing, let entry = reachedEntry, !entry.isDirectory {
                    failure = .notDirectory(reached)
                    return nil
                }
                candidate = TreePath.join(reached, component)
                guard candidate.count <= TreePath.longest else {
                    failure = .tooLong
                    return nil
                }
                return candidate
            }
            return nil
        }

        private mutating func stepUp() {
            reached = TreePath.parent(reached)
            // Whatever lies above a resolved path is a directory; below a missing one the way stays literal.
            reachedEntry = .impliedDirectory(reached)
        }

        mutating func take(_ entry: Entry?) {
            ahead.removeLast()
            guard let entry else {
                isMissing = true
                reached = candidate
                reachedEntry = nil
                return
            }
            guard entry.kind == .symlink, followLast || !ahead.isEmpty else {
                reached = candidate
                reachedEntry = entry
                return
            }
            links += 1
            guard links <= Resolution.linkLimit, entry.linkTarget.count <= TreePath.longest else {
                failure = links > Resolution.linkLimit ? .tooManyLinks : .tooLong
                return
            }
            if entry.linkTarget.first == UInt8(ascii: "/") {
                reached = []
                reachedEntry = .impliedDirectory([])
            }
            ahead.append(contentsOf: entry.linkTarget.split(separator: UInt8(ascii: "/")).reversed())
        }
    }
}
