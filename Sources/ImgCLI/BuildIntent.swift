import ImgBuilder

/// What the arguments of a build mean, as values; nothing has begun.
struct BuildIntent {
    var request: BuildRequest
    /// On flags that were given and change nothing, one line each.
    var notices: [String] = []
    /// Of `registry.insecure` in `--output`.
    var insecureHosts: [String] = []
}
