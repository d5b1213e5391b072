using ThinkSound.Projects.Editing;

namespace ThinkSound.Projects.Tests.Editing;

/// <summary>A model whose sounds are known exactly: what it makes is a constant, which no splice can hide.</summary>
internal sealed class FakeModel(float made = 0.25f) : IEditModel
{
    /// <summary>What was asked of it, in order.</summary>
    public List<string> Calls { get; } = [];

    public List<(EditWindow Window, int From, int To)> Ranges { get; } = [];

    /// <summary>What each call that samples anew chooses.</summary>
    public CandidateFits? Choice { get; init; }

    public CandidateFits? LastFits { get; private set; }

    public int SampleRate => 44_100;

    public ModelIdentity Identity { get; } = new() { Name = "fake" };

    public Task<AudioClip> GenerateAsync(EditWindow window, EditWords words, ulong seed, CancellationToken cancellationToken = default) => Make($"generate {words.Caption}", window, null, 0, window.Samples);

    public Task<AudioClip> InpaintAsync(EditWindow window, AudioClip sound, int from, int to, EditWords words, ulong seed, CancellationToken cancellationToken = default) => Make($"inpaint {words.Caption}", window, sound, from, to);

    public Task<AudioClip> ChangeAsync(EditWindow window, AudioClip sound, int from, int to, EditWords source, EditWords target, double strength, ulong seed, CancellationToken cancellationToken = default) =>
        Make($"change {source.Caption} > {target.Caption}", window, sound, from, to, made / 2);

    public Task<AudioClip> VaryAsync(EditWindow window, AudioClip sound, int from, int to, EditWords words, double strength, ulong seed, CancellationToken cancellationToken = default) => Make($"vary {words.Caption}", window, sound, from, to);

    /// <summary>The constant everywhere, also where it was not asked for: a codec changes every sample.</summary>
    private Task<AudioClip> Make(string call, EditWindow window, AudioClip? sound, int from, int to, float? value = null)
    {
        Calls.Add(call.Trim());
        LastFits = call.StartsWith("change", StringComparison.Ordinal) ? null : Choice;
        Ranges.Add((window, from, to));
        if (sound is not null) Assert.That(sound, Has.Property("Samples").EqualTo(window.Samples).And.Property("Channels").EqualTo(2).And.Property("SampleRate").EqualTo(SampleRate));
        Assert.That((from, to), Is.EqualTo((Math.Max(0, from), Math.Min(to, window.Samples))), "inside of the window");
        var samples = new float[2 * window.Samples];
        Array.Fill(samples, value ?? made);
        return Task.FromResult(new AudioClip(2, SampleRate, samples));
    }
}
