import ImgDockerfile
import ImgReport

/// Which rules apply: `BUILDKIT_DOCKERFILE_CHECK` replaces the file's directive (LINT-3).
struct LintOptions {
    var skip: Set<String> = []
    var skipAll = false
    var experimental: Set<String> = []
    var experimentalAll = false
    /// Findings fail the build (ERR-8).
    var error = false

    init(_ options: CheckOptions?) {
        guard let options else { return }
        skip = options.skip
        skipAll = options.skipAll
        experimental = options.experimental
        experimentalAll = options.experimentalAll
        error = options.error
    }

    init(_ inputs: PlanInputs) throws(BuildError) {
        guard let text = inputs.buildArgs["BUILDKIT_DOCKERFILE_CHECK"] else {
            self.init(inputs.dockerfile.directives.check)
            return
        }
        self.init(try CheckOptions(parsing: text))
    }
}
