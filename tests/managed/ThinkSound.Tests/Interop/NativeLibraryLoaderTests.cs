using ThinkSound.Interop;

namespace ThinkSound.Tests.Interop;

/// <summary>What people see when the native library is not there: the most frequent complaint about packages of this kind.</summary>
[NonParallelizable] // the search reads an environment variable
public sealed class NativeLibraryLoaderTests
{
    private string _folder = "";
    private string? _before;

    [SetUp]
    public void SetUp()
    {
        _folder = Directory.CreateTempSubdirectory("ts-loader").FullName;
        _before = Environment.GetEnvironmentVariable(NativeLibraryLoader.PathVariable);
        Environment.SetEnvironmentVariable(NativeLibraryLoader.PathVariable, null);
    }

    [TearDown]
    public void TearDown()
    {
        Environment.SetEnvironmentVariable(NativeLibraryLoader.PathVariable, _before);
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void A_missing_library_lists_every_place_and_what_to_do()
    {
        var exception = Assert.Throws<NativeLibraryException>(Loader("thinksound_absent").EnsureLoaded)!;
        Assert.That(exception.Message, Does.Contain(FileName("thinksound_absent")));
        Assert.That(exception.Message, Does.Contain(Path.Combine(AppContext.BaseDirectory, FileName("thinksound_absent")) + ": no such file"));
        Assert.That(exception.Message, Does.Contain(Path.Combine("runtimes", "linux-x64", "native")).Or.Contain("win-").Or.Contain("osx-")
                                           .Or.Contain("linux-arm64"));
        Assert.That(exception.Message, Does.Contain("not in the system's library folders"));
        Assert.That(exception.Message, Does.Contain("What to do:"));
    }

    [Test]
    public void The_variable_is_the_only_place_looked_at_when_it_is_set()
    {
        Environment.SetEnvironmentVariable(NativeLibraryLoader.PathVariable, _folder);
        var exception = Assert.Throws<NativeLibraryException>(Loader("thinksound_absent").EnsureLoaded)!;
        Assert.That(exception.Message, Does.Contain(Path.Combine(_folder, FileName("thinksound_absent")) + ": no such file"));
        Assert.That(exception.Message, Does.Not.Contain("runtimes").And.Not.Contain("system's library folders"));
        Assert.That(exception.Message, Does.Contain(NativeLibraryLoader.PathVariable + " is set"));
    }

    [Test]
    public void The_variable_may_name_a_file_and_leads_to_its_siblings()
    {
        string core = Path.Combine(_folder, FileName("thinksound"));
        File.WriteAllText(core, "");
        Environment.SetEnvironmentVariable(NativeLibraryLoader.PathVariable, core);
        var exception = Assert.Throws<NativeLibraryException>(Loader("thinksound_absent").EnsureLoaded)!;
        Assert.That(exception.Message, Does.Contain(Path.Combine(_folder, FileName("thinksound_absent")) + ": no such file"));
    }

    [Test]
    public void A_file_that_is_no_library_says_why_it_does_not_load()
    {
        string file = Path.Combine(_folder, FileName("thinksound_broken"));
        File.WriteAllText(file, "this is no library");
        Environment.SetEnvironmentVariable(NativeLibraryLoader.PathVariable, _folder);
        NativeLibraryLoader loader = Loader("thinksound_broken");
        var exception = Assert.Throws<NativeLibraryException>(loader.EnsureLoaded)!;
        Assert.That(exception.Message, Does.Contain(file + ": is there but does not load: "));
        if (OperatingSystem.IsLinux()) Assert.That(exception.Message, Does.Contain("file too short").Or.Contain("invalid ELF header"));

        NativeLibraryProbe probe = loader.Probe();
        Assert.That(probe.IsUsable, Is.False);
        Assert.That(probe.Path, Is.Null);
        Assert.That(probe.Attempts, Has.Count.EqualTo(1));
        Assert.That(probe.Attempts[0].Problem, Does.StartWith("is there but does not load"));
        Assert.That(probe.Problem, Is.EqualTo(exception.Message));
    }

    [Test]
    public void A_library_that_turns_up_later_is_found()
    {
        NativeLibraryLoader loader = Loader("thinksound_late");
        Assert.Throws<NativeLibraryException>(loader.EnsureLoaded);
        File.WriteAllText(Path.Combine(_folder, FileName("thinksound_late")), "still no library");
        Environment.SetEnvironmentVariable(NativeLibraryLoader.PathVariable, _folder);
        Assert.That(loader.EnsureLoaded, Throws.TypeOf<NativeLibraryException>().With.Message.Contains("is there but does not load"));
    }

    [Test]
    public void Another_interface_version_is_refused_with_both_numbers() =>
        Assert.That(CoreLibrary.Verify("thinksound", 1, 2, () => []), Does.Contain("version 2").And.Contain("speaks 1"));

    [Test]
    public void Shorter_structs_are_refused_and_longer_ones_accepted()
    {
        Assert.That(CoreLibrary.Verify("thinksound", 1, 1, () => [("ts_frames", 48, 40)]), Does.Contain("ts_frames").And.Contain("older"));
        Assert.That(CoreLibrary.Verify("thinksound", 1, 1, () => [("ts_frames", 48, 56)]), Is.Null);
    }

    private static NativeLibraryLoader Loader(string name) => new(name, typeof(NativeLibraryLoaderTests).Assembly, () => null);

    private static string FileName(string name) =>
        OperatingSystem.IsWindows() ? name + ".dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";
}
