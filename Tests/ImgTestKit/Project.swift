import Glibc

/// Places of the checkout that tests run in.
package enum Project {
    /// The top of the checkout.
    package static let root: String = {
        var parts = #filePath.split(separator: "/")
        parts.removeLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// The program under test: `$IMGBUILD`, or the release build.
    package static var imgbuild: String { variable("IMGBUILD") ?? root + "/.build/release/imgbuild" }

    /// OCI layouts of the base images that `make bases` makes.
    package static var bases: String { variable("IMGBUILD_BASES") ?? root + "/.cache/bases" }

    /// A variable of the environment; nil when it is not set.
    package static func variable(_ name: String) -> String? {
        let value = unsafe getenv(name)
        return unsafe value.map { unsafe String(cString: $0) }
    }
}
