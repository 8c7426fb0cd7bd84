import ImgCLI

await CommandLineTool.main()
