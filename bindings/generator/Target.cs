namespace ThinkSound.Bindings.Generator;

/// <summary>One header and the C# file it becomes. Paths are relative to the root of the checkout.</summary>
/// <param name="Prefix">What every type and function of the header begins with; macros and constants in capitals.</param>
internal sealed record Target(string Header, string Output, string Library, string Namespace, string Class, string Prefix)
{
    public static readonly Target[] All =
    [
        new("native/include/thinksound.h", "bindings/generated/Native.g.cs",
            "thinksound", "ThinkSound.Interop", "Native", "ts_"),
        new("native/media/thinksound_media.h", "bindings/generated/NativeMedia.g.cs",
            "thinksound_media", "ThinkSound.Media.Interop", "NativeMedia", "tsm_"),
    ];

    public string HeaderPath => RepositoryFolders.InRoot(Header);
    public string OutputPath => RepositoryFolders.InRoot(Output);

    /// <summary>The text of the output file, the same on every machine.</summary>
    public string Generate() => new CSharpWriter(this, HeaderReader.Read(this)).Write();
}
