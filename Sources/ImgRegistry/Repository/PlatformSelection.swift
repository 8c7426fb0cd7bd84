package import ImgOCI

/// Chooses the image for a platform in an index (10.2).
package enum PlatformSelection {
    /// What an index offers.
    package enum Choice: Hashable, Sendable {
        /// The best entry; it may be a nested index.
        case entry(Descriptor)
        /// No entry matches by its platform, but these say nothing about theirs: their configurations decide (PULL-11).
        case undeclared([Descriptor])
    }

    /// There is nothing for a platform.
    package struct Mismatch: Error, Hashable, Sendable {
        package var wanted: Platform
        /// In document order, without repetitions.
        package var available: [Platform]
    }

    /// - Throws: ``Mismatch`` when no entry can serve the platform.
    package static func choose(from index: ImageIndex, for platform: Platform) throws(Mismatch) -> Choice {
        var best: (rank: Int, entry: Descriptor)?
        var undeclared: [Descriptor] = []
        var nested: [Descriptor] = []
        var available: [Platform] = []
        for entry in index.images {
            guard let offered = entry.platform, !offered.os.isEmpty, !offered.architecture.isEmpty else {
                if entry.mediaType.isIndex { nested.append(entry) } else { undeclared.append(entry) }
                continue
            }
            if !available.contains(offered.normalized) { available.append(offered.normalized) }
            // The first of equals wins: what follows may be an index of an accelerator (RUN-10).
            if let rank = platform.matchRank(of: offered), rank < best?.rank ?? Int.max { best = (rank, entry) }
        }
        if let best { return .entry(best.entry) }
        if !undeclared.isEmpty || !nested.isEmpty { return .undeclared(nested + undeclared) }
        throw Mismatch(wanted: platform, available: available)
    }
}
