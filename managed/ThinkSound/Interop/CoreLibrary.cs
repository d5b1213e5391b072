namespace ThinkSound.Interop;

/// <summary>libthinksound. Everything public that calls it says <see cref="EnsureLoaded"/> first, so that a problem is a
/// <see cref="NativeLibraryException"/> and never the runtime's own DllNotFoundException.</summary>
internal static class CoreLibrary
{
    public static readonly NativeLibraryLoader Loader = new(Native.Library, typeof(Native).Assembly, Verify);

    public static void EnsureLoaded() => Loader.EnsureLoaded();

    private static string? Verify() =>
        Verify("thinksound", Native.TS_ABI_VERSION, Native.ts_abi_version(), Native.struct_sizes);

    /// <summary>Why a loaded library does not fit the declarations it was loaded for, or null. Its structs may be longer,
    /// because they grow at the end; shorter ones mean that it is older.</summary>
    public static string? Verify(string library, uint abiHere, uint abiLoaded,
                                 Func<(string name, uint here, uint loaded)[]> structSizes)
    {
        if (abiHere != abiLoaded)
            return $"it speaks version {abiLoaded} of the {library} interface, this assembly speaks {abiHere}: " +
                   "install both from the same version.";
        foreach (var (name, here, loaded) in structSizes())
            if (loaded < here)
                return $"its {name} has {loaded} bytes, this assembly's has {here}, so the library is the older one: " +
                       "install both from the same version.";
        return null;
    }
}
