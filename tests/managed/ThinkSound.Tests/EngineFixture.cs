namespace ThinkSound.Tests;

/// <summary>Tests that share one engine of the shipped model.</summary>
public abstract class EngineFixture
{
    protected ThinkSoundEngine Engine { get; private set; } = null!;

    [OneTimeSetUp]
    public void LoadEngine()
    {
        NativeParts.Require();
        Engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle });
    }

    [OneTimeTearDown]
    public void UnloadEngine() => Engine?.Dispose();
}
