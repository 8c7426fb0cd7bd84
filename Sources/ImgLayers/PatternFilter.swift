import ImgDockerfile
import ImgStream
import ImgTree

/// Which entries of a walk are copied: `--exclude` and the include patterns of `--parents` (CP-33…CP-38).
struct PatternFilter {
    private struct Level {
        var path: [UInt8]
        var include: IgnorePatterns.State?
        var exclude: IgnorePatterns.State?
        /// Position in the walk of a directory that is only copied if something below it is.
        var pending: Int?
    }

    /// Patterns of which one must match, or all entries are wanted.
    var include: IgnorePatterns?
    /// Patterns that leave entries out.
    var exclude: IgnorePatterns?

    /// The wanted entries and the directories that lead to them.
    ///
    /// - Parameters:
    ///   - walk: Depth first.
    ///   - relative: An entry's path as the patterns see it.
    func apply(to walk: [Entry], relative: (Entry) -> [UInt8]) -> [Entry] {
        if include == nil, exclude == nil { return walk }
        var levels = [Level(path: [], include: include?.initialState, exclude: exclude?.initialState, pending: nil)]
        var wanted: [Int] = []
        for (position, entry) in walk.enumerated() {
            let path = relative(entry)
            while levels.count > 1, let last = levels.last, !TreePath.isBelow(path[...], last.path[...]) {
                levels.removeLast()
            }
            guard let parent = levels.last else { break }
            var level = Level(path: path, include: nil, exclude: nil, pending: nil)
            var isWanted = true
            if let include, let state = parent.include {
                let verdict = include.evaluate(path: path, parent: state)
                isWanted = verdict.ignored
                level.include = verdict.state
            }
            if let exclude, let state = parent.exclude {
                let verdict = exclude.evaluate(path: path, parent: state)
                isWanted = isWanted && !verdict.ignored
                level.exclude = verdict.state
            }
            if isWanted {
                for place in levels.indices {
                    if let pending = levels[place].pending { wanted.append(pending) }
                    levels[place].pending = nil
                }
                wanted.append(position)
            }
            guard entry.isDirectory else { continue }
            level.pending = isWanted ? nil : position
            levels.append(level)
        }
        return wanted.map { walk[$0] }
    }
}
