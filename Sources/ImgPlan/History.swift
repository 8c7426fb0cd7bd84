package import ImgOCI

/// The history of an image (HIS-1…HIS-7).
package enum History {
    /// The comment of entries for layers that no instruction made.
    private static let missing = "buildkit.exporter.image.v0"

    /// Appends the entries of a build to those of its base.
    ///
    /// - Parameters:
    ///   - base: Of the base image, kept as it is.
    ///   - baseLayers: How many layers the base has; missing entries are added and surplus ones marked empty (HIS-7).
    ///   - steps: Of all stages from the base up, with when each layer was made; nil for those without a layer.
    ///   - epoch: The time of every new entry (REP-4).
    package static func assemble(
        base: [HistoryEntry],
        baseLayers: Int? = nil,
        steps: [(step: Step, created: Timestamp?)],
        epoch: Timestamp?
    ) -> [HistoryEntry] {
        var history = baseLayers.map { reconciled(base, layers: $0) } ?? base
        for (step, created) in steps {
            history.append(
                HistoryEntry(
                    created: (epoch ?? created)?.rfc3339,
                    createdBy: step.createdBy.isEmpty ? nil : step.createdBy,
                    // A context that is a base stands in no instruction (HIS-7).
                    comment: step.createdBy.isEmpty ? missing : "buildkit.dockerfile.v0",
                    emptyLayer: step.emptyLayer
                )
            )
        }
        if let epoch { settle(&history, after: base, at: epoch) }
        fillTimes(&history, from: base.count)
        return history
    }

    /// What is not the base's own history, word for word, is no later than the epoch (REP-4).
    private static func settle(_ history: inout [HistoryEntry], after base: [HistoryEntry], at epoch: Timestamp) {
        let own = zip(history, base).prefix { $0 == $1 }.count
        for index in history.indices[own...] {
            let created = history[index].created.flatMap(Timestamp.init(rfc3339:))
            if created.map({ $0 > epoch }) ?? true { history[index].created = epoch.rfc3339 }
        }
    }

    /// The time of the image: that of the last entry that has one (HIS-6).
    package static func created(_ history: [HistoryEntry]) -> String? {
        history.last { $0.created != nil }?.created
    }

    /// HIS-5.
    private static func fillTimes(_ history: inout [HistoryEntry], from start: Int) {
        guard let first = history[start...].firstIndex(where: { $0.created == nil }) else { return }
        var time =
            history[first...].lazy.compactMap(\.created).first ?? history[..<first].last { $0.created != nil }?.created
        for index in history.indices[first...] {
            if let created = history[index].created {
                time = created
            } else {
                history[index].created = time
            }
        }
    }

    private static func reconciled(_ base: [HistoryEntry], layers: Int) -> [HistoryEntry] {
        var history = base
        var surplus = history.count { !$0.emptyLayer } - layers
        for index in history.indices where surplus > 0 && !history[index].emptyLayer {
            history[index].emptyLayer = true
            surplus -= 1
        }
        while surplus < 0 {
            history.append(HistoryEntry(comment: missing))
            surplus += 1
        }
        return history
    }
}
