using ThinkSound.Projects.Editing;
using ThinkSound.Rendering.Analysis;

namespace ThinkSound.Projects.Tests.Editing;

public sealed class FileEditTests
{
    private const int Rate = 44_100, Samples = 4 * Rate + 4097;

    [TestCase("add a bell from 1 to 2 s", "generate a bell rings")]
    [TestCase("remove the rain from 1 to 2 s", "change ")]
    [TestCase("remove everything from 1 to 2 s")]
    [TestCase("replace the rain with thunder from 1 to 2 s", "change ", "generate lightning strikes and thunder")]
    [TestCase("extend the rain from 1 to 2 s", "inpaint rain falls")]
    [TestCase("inpaint it from 1 to 2 s", "inpaint ")]
    [TestCase("make it 6 dB louder from 1 to 2 s")]
    [TestCase("make everything softer from 1 to 2 s")]
    [TestCase("make the rain sound like it is in a large church from 1 to 2 s", "change rain falls")]
    [TestCase("make it brighter from 1 to 2 s", "change ")]
    [TestCase("vary it from 1 to 2 s", "vary ")]
    public async Task ApplyAsync_changes_nothing_outside_of_the_range(string instruction, params string[] calls)
    {
        foreach (int channels in (int[])[2, 1])
        {
            AudioClip sound = SpliceTests.Noise(channels, Samples, Rate);
            var model = new FakeModel();
            const string description = "rain and wind";
            EditScript script = EditReader.Read(instruction, EditSubjects.Of(sound, description));
            FileEditResult result = await FileEdit.ApplyAsync(sound, description, script, _ => Task.FromResult<IEditModel>(model));
            AssertSameOutside(sound, result.Clip, Rate, 2 * Rate);
            Assert.That(result.Touched, Is.EqualTo(new[] { (Rate, 2 * Rate) }));
            Assert.That(Differences(sound, result.Clip), Is.GreaterThan(Rate / 2), "and something inside of it");
            Assert.That(model.Calls, Has.Count.EqualTo(calls.Length));
            for (int i = 0; i < calls.Length; i++) Assert.That(model.Calls[i], Does.StartWith(calls[i]));
        }
    }

    [TestCase("add a bell from 1 to 2 s", 1)]
    [TestCase("replace the rain with thunder from 1 to 2 s", 1, TestName = "of a mix: out by a walk, in by a choice")]
    [TestCase("vary it from 1 to 2 s", 1)]
    [TestCase("inpaint it from 1 to 2 s", 1)]
    [TestCase("make it brighter from 1 to 2 s", 0)]
    [TestCase("make it 6 dB louder from 1 to 2 s", 0)]
    public async Task ApplyAsync_tells_what_was_chosen_where_something_was(string instruction, int choices)
    {
        var choice = new CandidateFits([0.2f, 0.7f], 1);
        FileEditResult result = await Apply(SpliceTests.Noise(2, Samples, Rate), instruction, new FakeModel { Choice = choice });
        Assert.That(result.Candidates, Is.EqualTo(Enumerable.Repeat(choice, choices)));
    }

    [Test]
    public async Task ApplyAsync_adds_on_top_of_what_is_there()
    {
        AudioClip sound = SpliceTests.Noise(2, Samples, Rate);
        FileEditResult result = await Apply(sound, "add a bell from 1 to 2 s", new FakeModel(0.25f));
        float[] sum = [.. sound.Channel(1)[(Rate + 1000)..(2 * Rate - 1000)].ToArray().Select(sample => sample + 0.25f)];
        Assert.That(result.Clip.Channel(1)[(Rate + 1000)..(2 * Rate - 1000)].SequenceEqual(sum));
    }

    [Test]
    public async Task ApplyAsync_keeps_what_is_added_below_full_scale()
    {
        AudioClip sound = SpliceTests.Noise(2, Samples, Rate); // up to 0.5
        FileEditResult result = await Apply(sound, "add a bell from 1 to 2 s", new FakeModel(2));
        Assert.That(result.Clip.Peak(), Is.InRange(0.99f, 1.0001f));
        Assert.That(result.Notices, Has.One.Contains("softer, so that nothing clips"));
    }

    [TestCase("replace the rain with thunder from 1 to 2 s", 0.5f)]
    [TestCase("replace the rain with thunder from 1 to 2 s", 0.05f)]
    public async Task ApplyAsync_replaces_the_only_sound_by_another_that_is_as_loud(string instruction, float made)
    {
        AudioClip sound = SpliceTests.Noise(2, Samples, Rate);
        var model = new FakeModel(made);
        FileEditResult result = await FileEdit.ApplyAsync(sound, "rain", EditReader.Read(instruction, EditSubjects.Of(sound, "rain")), _ => Task.FromResult<IEditModel>(model));
        Assert.That(model.Calls, Has.Count.EqualTo(1).And.All.StartsWith("generate"));
        double before = Math.Sqrt(Splice.Power(sound, Rate, 2 * Rate)), after = Math.Sqrt(Splice.Power(result.Clip, Rate, 2 * Rate));
        Assert.That(after, Is.EqualTo(before).Within(0.02 * before));
        float[] inside = [.. result.Clip.Channel(0)[(Rate + 1000)..(2 * Rate - 1000)]];
        Assert.That(inside, Is.All.EqualTo(inside[0]), "nothing of the rain is left");
    }

    [Test]
    public async Task ApplyAsync_does_not_blow_a_faint_replacement_up_without_bound()
    {
        AudioClip sound = SpliceTests.Noise(2, Samples, Rate);
        FileEditResult result = await FileEdit.ApplyAsync(sound, "rain", EditReader.Read("replace the rain with thunder", EditSubjects.Of(sound, "rain")), _ => Task.FromResult<IEditModel>(new FakeModel(1e-4f)));
        Assert.That(result.Clip.Peak(), Is.EqualTo(1e-3f).Within(1e-6f));
    }

    [Test]
    public async Task ApplyAsync_walks_from_one_sound_to_another_where_a_strength_is_asked_for()
    {
        AudioClip sound = SpliceTests.Noise(2, Samples, Rate);
        var model = new FakeModel();
        EditScript script = EditReader.Read("replace the rain with thunder", EditSubjects.Of(sound, "rain"), new EditChoices { Strength = 0.8 });
        await FileEdit.ApplyAsync(sound, "rain", script, _ => Task.FromResult<IEditModel>(model));
        Assert.That(model.Calls, Has.Count.EqualTo(1).And.All.StartsWith("change rain falls on the ground > lightning strikes"));
    }

    [Test]
    public async Task ApplyAsync_makes_louder_by_the_decibels_asked_for()
    {
        AudioClip sound = SpliceTests.Noise(2, Samples, Rate);
        FileEditResult result = await Apply(sound, "make it 6 dB louder", new FakeModel());
        Assert.That(result.Clip.Planar.ToArray().SequenceEqual(sound.Planar.ToArray().Select(sample => (float)(sample * Math.Pow(10, 0.3)))));
    }

    [Test]
    public async Task ApplyAsync_moves_all_by_whole_samples()
    {
        AudioClip sound = SpliceTests.Noise(2, Samples, Rate);
        FileEditResult result = await Apply(sound, "shift everything half a second later", new FakeModel());
        Assert.That(result.Clip.Channel(0)[(Rate / 2)..].SequenceEqual(sound.Channel(0)[..^(Rate / 2)]));
        Assert.That(result.Clip.Channel(0)[..(Rate / 2)].ContainsAnyExcept(0f), Is.False);
    }

    [Test]
    public async Task ApplyAsync_lets_a_file_grow()
    {
        AudioClip sound = SpliceTests.Noise(2, Samples, Rate);
        FileEditResult result = await Apply(sound, "extend the sound by 1.5 seconds", new FakeModel(0.125f));
        Assert.That(result.Clip.Samples, Is.EqualTo(Samples + (int)Math.Round(1.5 * Rate)));
        Assert.That(result.Clip.Channel(1)[..Samples].SequenceEqual(sound.Channel(1)));
        Assert.That(result.Clip.Channel(1)[(Samples + 1000)..].ContainsAnyExcept(0.125f), Is.False, "no fade where the file ends");
    }

    [Test]
    public async Task ApplyAsync_goes_over_a_long_stretch_in_pieces_without_a_seam()
    {
        AudioClip sound = SpliceTests.Noise(2, 40 * Rate + 11, Rate);
        var model = new FakeModel(0.5f);
        FileEditResult result = await Apply(sound, "vary it from 2 to 38 s", model);
        Assert.That(model.Calls, Has.Count.EqualTo(4));
        Assert.That(model.Ranges, Has.All.Matches<(EditWindow Window, int From, int To)>(call => call.Window.Samples <= 20 * Rate), "what the model sees at once");
        AssertSameOutside(sound, result.Clip, 2 * Rate, 38 * Rate);
        Assert.That(result.Clip.Channel(0)[(2 * Rate + 1000)..(38 * Rate - 1000)].ContainsAnyExcept(0.5f), Is.False);
    }

    [Test]
    public async Task ApplyAsync_finds_the_second_knock_by_listening()
    {
        AudioClip sound = Knocks(0.5, 1.7, 3.1);
        EditScript script = EditReader.Read("make the second knock 12 dB louder", EditSubjects.Of(sound, "knocks on a door"));
        Assert.That(script.Steps[0].Range!.Value.Start.TotalSeconds, Is.EqualTo(1.675).Within(0.006));
        FileEditResult result = await FileEdit.ApplyAsync(sound, "knocks on a door", script, _ => throw new InvalidOperationException("arithmetic needs no model"));
        Assert.That(Peak(result.Clip, 1.6, 2.2) / Peak(sound, 1.6, 2.2), Is.EqualTo(Math.Pow(10, 12.0 / 20)).Within(0.01));
        Assert.That(Peak(result.Clip, 0, 1.5), Is.EqualTo(Peak(sound, 0, 1.5)));
        Assert.That(OnsetDetector.Detect(result.Clip), Has.Count.EqualTo(3));
    }

    [Test]
    public void ApplyAsync_refuses_surround_and_what_is_too_short()
    {
        AudioClip surround = SpliceTests.Noise(6, Rate, Rate), blip = SpliceTests.Noise(2, Rate / 10, Rate);
        EditScript louder = EditReader.Read("make it louder", EditSubjects.Of(surround)), vary = EditReader.Read("vary it", EditSubjects.Of(blip));
        Assert.That(() => FileEdit.ApplyAsync(surround, "", louder, _ => Task.FromResult<IEditModel>(new FakeModel())), Throws.TypeOf<EditException>().With.Property("Problem").EqualTo(EditProblem.Impossible));
        Assert.That(() => FileEdit.ApplyAsync(blip, "", vary, _ => Task.FromResult<IEditModel>(new FakeModel())), Throws.TypeOf<EditException>().With.Message.Contains("1 s at least"));
    }

    private static Task<FileEditResult> Apply(AudioClip sound, string instruction, IEditModel model) =>
        FileEdit.ApplyAsync(sound, "", EditReader.Read(instruction, EditSubjects.Of(sound)), _ => Task.FromResult(model));

    private static void AssertSameOutside(AudioClip before, AudioClip after, int from, int to)
    {
        Assert.That(after.Samples, Is.EqualTo(before.Samples));
        for (int channel = 0; channel < before.Channels; channel++)
        {
            Assert.That(after.Channel(channel)[..from].SequenceEqual(before.Channel(channel)[..from]), $"channel {channel} before the range");
            Assert.That(after.Channel(channel)[to..].SequenceEqual(before.Channel(channel)[to..]), $"channel {channel} after the range");
        }
    }

    private static int Differences(AudioClip a, AudioClip b) => a.Planar.ToArray().Zip(b.Planar.ToArray()).Count(pair => pair.First != pair.Second);

    private static AudioClip Knocks(params double[] times)
    {
        var samples = new float[2 * Samples];
        var random = new Random(3);
        foreach (double time in times)
            for (int n = 0; n < Rate / 5; n++)
            {
                int at = (int)(time * Rate) + n;
                samples[at] = samples[Samples + at] = (float)(0.2 * Math.Exp(-n / (0.02 * Rate)) * (random.NextDouble() - 0.5));
            }
        return new AudioClip(2, Rate, samples);
    }

    private static double Peak(AudioClip clip, double from, double to)
    {
        double peak = 0;
        foreach (float sample in clip.Channel(0)[(int)(from * Rate)..(int)(to * Rate)]) peak = Math.Max(peak, Math.Abs(sample));
        return peak;
    }
}
