import ImgPlan

extension PlatformPlan {
    /// A stage with those it is built on, bottom first: their steps together are the image's own history.
    func lineage(of position: Int) -> [StagePlan] {
        var chain = [stages[position]]
        while case .stage(let base)? = chain.last?.base { chain.append(stages[base]) }
        return chain.reversed()
    }
}
