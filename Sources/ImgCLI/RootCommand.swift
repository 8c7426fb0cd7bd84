import ArgumentParser
import ImgBuilder

/// `imgbuild`; without a subcommand it builds.
struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "imgbuild",
        abstract: "Builds multi-platform OCI images from Dockerfiles and pushes them, without a daemon.",
        discussion: """
            imgbuild --platform linux/amd64,linux/arm64 -t REPO:TAG --push .

            Flags are spelled as in docker buildx. RUN is not supported: imgbuild never executes anything.
            """,
        version: "imgbuild \(Product.version)",
        subcommands: [
            BuildCommand.self, InspectCommand.self, VerifyCommand.self, CopyCommand.self, PushCommand.self,
            IndexCommand.self,
            LoginCommand.self, LogoutCommand.self, DoctorCommand.self,
            CacheCommand.self,
        ],
        defaultSubcommand: BuildCommand.self
    )
}
