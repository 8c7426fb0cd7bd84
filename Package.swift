// swift-tools-version: 6.2
import PackageDescription

/// The settings of every Swift target: strict concurrency and memory safety, no warnings.
let house: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: house)
}

let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

/// What the embedding API is made of.
let builderParts: [Target.Dependency] = [
    "ImgChecks", "ImgCredentials", "ImgDockerfile", "ImgExport", "ImgHTTP", "ImgLayers", "ImgOCI", "ImgPlan",
    "ImgRegistry",
    "ImgReport", "ImgStore", "ImgStream", "ImgTasks", "ImgTree",
]

/// libFuzzer's part is built only on request: it needs a build of its own (`Tests/Fuzz/run-targets`).
let fuzzing: [Target] =
    Context.environment["IMGBUILD_FUZZING"] == nil
    ? []
    : [
        .executableTarget(
            name: "FuzzTargets",
            dependencies: ["ImgDockerfile", "ImgStream", "ImgTree"],
            path: "Tests/Fuzz/Targets",
            swiftSettings: house + [.unsafeFlags(["-parse-as-library"])]
        )
    ]

let package = Package(
    name: "imgbuild",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "imgbuild", targets: ["imgbuild"]),
        .library(name: "ImgBuilder", targets: ["ImgBuilder"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
    ],
    targets: [
        .systemLibrary(name: "CImgArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CImgCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CImgCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CImgDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CImgZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CImgZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .target(name: "CImgCurlShims", dependencies: ["CImgCurl"]),

        library("ImgOCI", []),
        library("ImgTasks", []),

        library("ImgReport", ["ImgOCI"]),
        library(
            "ImgStream",
            ["ImgOCI", "ImgTasks", "CImgArchive", "CImgCrypto", "CImgDeflate", "CImgZlib", "CImgZstd"]
        ),

        library("ImgDockerfile", ["ImgOCI", "ImgReport"]),
        library("ImgStore", ["ImgOCI", "ImgStream"]),
        library("ImgHTTP", ["CImgCurl", "CImgCurlShims", "ImgOCI", "ImgTasks"]),
        library("ImgCredentials", ["ImgOCI", "ImgReport", "ImgStream", "ImgTasks", subprocess, system]),

        library("ImgTree", ["ImgOCI", "ImgStream", "ImgTasks"]),

        library("ImgPlan", ["ImgDockerfile", "ImgOCI", "ImgReport"]),
        library("ImgRegistry", ["ImgCredentials", "ImgHTTP", "ImgOCI", "ImgReport", "ImgStream", "ImgTasks"]),

        library(
            "ImgLayers",
            ["ImgDockerfile", "ImgOCI", "ImgPlan", "ImgReport", "ImgStore", "ImgStream", "ImgTasks", "ImgTree"]
        ),

        library("ImgExport", ["ImgOCI", "ImgRegistry", "ImgReport", "ImgStore", "ImgStream", "ImgTasks"]),
        library("ImgChecks", ["ImgOCI", "ImgReport"]),

        library("ImgBuilder", builderParts + [subprocess, system]),
        library("ImgCLI", ["ImgBuilder", "ImgExport", "ImgOCI", "ImgReport", "ImgTasks", arguments]),
        .executableTarget(name: "imgbuild", dependencies: ["ImgCLI"], swiftSettings: house),

        .target(
            name: "ImgTestKit",
            dependencies: ["ImgReport", subprocess, system],
            path: "Tests/ImgTestKit",
            swiftSettings: house
        ),
        tests("ImgOCITests", ["ImgOCI"]),
        tests("ImgTasksTests", ["ImgTasks", "ImgTestKit"]),
        tests("ImgReportTests", ["ImgReport", "ImgOCI"]),
        tests("ImgStreamTests", ["ImgStream", "ImgOCI", "ImgTestKit"]),
        tests("ImgDockerfileTests", ["ImgDockerfile", "ImgReport", "ImgOCI", "ImgTestKit"]),
        tests("ImgStoreTests", ["ImgStore", "ImgStream", "ImgOCI", "ImgTestKit"]),
        tests("ImgHTTPTests", ["ImgHTTP", "ImgTasks", "ImgTestKit"]),
        tests("ImgCredentialsTests", ["ImgCredentials", "ImgOCI", "ImgReport", "ImgTasks", "ImgTestKit"]),
        tests("ImgTreeTests", ["ImgTree", "ImgOCI", "ImgStream", "ImgTestKit"]),
        tests("ImgPlanTests", ["ImgPlan", "ImgDockerfile", "ImgOCI", "ImgReport"]),
        tests(
            "ImgRegistryTests",
            ["ImgRegistry", "ImgHTTP", "ImgCredentials", "ImgOCI", "ImgReport", "ImgStream", "ImgTasks", "ImgTestKit"]
        ),
        tests(
            "ImgLayersTests",
            [
                "ImgLayers", "ImgDockerfile", "ImgOCI", "ImgPlan", "ImgReport", "ImgStore", "ImgStream", "ImgTasks",
                "ImgTree", "ImgTestKit",
            ]
        ),
        tests("ImgExportTests", ["ImgExport", "ImgOCI", "ImgReport", "ImgStream", "ImgTasks", "ImgTestKit"]),
        tests("ImgChecksTests", ["ImgChecks", "ImgOCI", "ImgReport", "ImgTestKit"]),
        tests("ImgBuilderTests", ["ImgBuilder", "ImgOCI", "ImgReport", "ImgTestKit"]),
        tests("ImgCLITests", ["ImgCLI", "ImgBuilder", "ImgOCI", "ImgReport", "ImgTestKit"]),
        // As another package sees the library.
        .testTarget(
            name: "ClientTests",
            dependencies: ["ImgBuilder"],
            packageAccess: false,
            swiftSettings: house
        ),
        tests("IntegrationTests", ["ImgTestKit", "ImgOCI"]),
        tests("LayeringTests", ["ImgTestKit"]),
    ] + fuzzing,
    swiftLanguageModes: [.v6]
)
