using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using ThinkSound.Verification;

namespace ThinkSound.Tests.Verification;

/// <summary>The goldens of the reference through the whole stack: managed API, C ABI, networks, operators.</summary>
public sealed class VerifierTests
{
    private static string Goldens => Environment.GetEnvironmentVariable("THINKSOUND_GOLDENS") is { Length: > 0 } folder
        ? folder
        : Path.Combine(NativeParts.Root, "tests", "golden");

    private static IEnumerable<string> Files() =>
        Directory.EnumerateFiles(Goldens, "*.*").Where(file => file.EndsWith(".safetensors", StringComparison.Ordinal) || file.EndsWith(".jsonl", StringComparison.Ordinal))
            .Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal);

    [OneTimeSetUp]
    public void RequireNativeLibrary() => NativeParts.Require();

    [TestCaseSource(nameof(Files))]
    public async Task VerifyAsync_golden_is_within_tolerance_on_every_backend(string name)
    {
        if (name == "sampler_small.safetensors" && !File.Exists(Path.Combine(Goldens, "mmdit_small.safetensors")))
            Assert.Ignore("the sampler's goldens borrow the weights of mmdit_small, which is too large for the repository: set THINKSOUND_GOLDENS");
        foreach (string device in (string[])["cpu", "cpu:plain"])
        {
            VerificationReport report = await Verifier.VerifyAsync(Path.Combine(Goldens, name), new VerificationOptions { Device = device });
            IEnumerable<string> failures = report.Results.Where(result => result.Outcome == VerificationOutcome.Failed)
                .Select(result => $"{device}: {result.Key}: relative {result.RelativeL2:E2}, largest {result.MaxAbs:E2}, allowed {result.Tolerance:E1}, {result.Note}");
            Assert.That(failures, Is.Empty);
            Assert.That(report.Passed, Is.Positive);
            IEnumerable<string> skipped = report.Results.Where(result => result.Outcome == VerificationOutcome.Skipped && !result.Note.Contains("gradient", StringComparison.Ordinal))
                .Select(result => result.Key);
            // In whole files, an intermediate that we cannot place would be a hole in this implementation. The subset in the
            // repository keeps some whose networks were too large.
            if (Environment.GetEnvironmentVariable("THINKSOUND_GOLDENS") is { Length: > 0 }) Assert.That(skipped, Is.Empty);
        }
    }

    [Test]
    public async Task VerifyAsync_every_network_stays_within_the_bound_of_every_precision(
        [Values(Precision.BFloat16, Precision.Float16, Precision.Int8)] Precision precision,
        [Values("mmdit_flags", "vae", "t5", "clip_text", "clip_vision", "synchformer", "recogniser", "listener", "mel_codec")] string network)
    {
        VerificationReport report = await Verifier.VerifyAsync(Path.Combine(Goldens, network + "_small.safetensors"),
                                                               new VerificationOptions { Device = "cpu:plain", Precision = precision });
        Assert.That(report.Results.Where(result => result.Outcome == VerificationOutcome.Failed)
            .Select(result => $"{result.Key}: relative {result.RelativeL2:E2}, largest {result.MaxAbs:E2}, allowed {result.Tolerance:E1}, {result.Note}"), Is.Empty);
        Assert.That(report.Passed, Is.Positive);
    }

    [Test]
    public async Task VerifyAsync_output_off_by_a_thousandth_fails()
    {
        string path = Tamper("t5_small.safetensors", "out.last_hidden_state", data =>
        {
            for (int i = 0; i < data.Length; i += 4)
                BinaryPrimitives.WriteSingleLittleEndian(data[i..], BinaryPrimitives.ReadSingleLittleEndian(data[i..]) * 1.001f);
        });
        VerificationReport report = await Verifier.VerifyAsync(path);
        Assert.That(report.Results.Single(result => result.Key == "out.last_hidden_state").Outcome, Is.EqualTo(VerificationOutcome.Failed));
        Assert.That(report.Failed, Is.EqualTo(1));
    }

    [Test]
    public async Task VerifyAsync_NaN_in_the_reference_fails()
    {
        string path = Tamper("t5_small.safetensors", "out.last_hidden_state", data => BinaryPrimitives.WriteSingleLittleEndian(data, float.NaN));
        Assert.That((await Verifier.VerifyAsync(path)).Failed, Is.EqualTo(1));
    }

    [Test]
    public async Task VerifyAsync_output_that_nothing_computes_fails_and_an_intermediate_is_a_skip()
    {
        string path = Rename("clip_vision_small.safetensors", ("out.image_features", "out.unheard_of_xyz"), ("mid.vision.pooled", "mid.vision.pooleX"));
        VerificationReport report = await Verifier.VerifyAsync(path);
        Assert.That(report.Results.Single(result => result.Key == "out.unheard_of_xyz").Outcome, Is.EqualTo(VerificationOutcome.Failed));
        Assert.That(report.Results.Single(result => result.Key == "mid.vision.pooleX").Outcome, Is.EqualTo(VerificationOutcome.Skipped));
    }

    [Test]
    public async Task VerifyAsync_file_in_which_nothing_is_compared_fails()
    {
        string path = Write([], new Dictionary<string, string> { ["config"] = """{"d_modell": 64}""" });
        VerificationReport report = await Verifier.VerifyAsync(path);
        Assert.That(report.Failed, Is.EqualTo(1));
    }

    [Test]
    public void VerifyAsync_missing_and_damaged_files_are_named()
    {
        Assert.That(async () => await Verifier.VerifyAsync("/nowhere/x.safetensors"), Throws.InstanceOf<ThinkSoundException>().With.Message.Contains("/nowhere/x.safetensors"));
        string damaged = Path.Combine(Directory.CreateTempSubdirectory("ts-verify").FullName, "damaged.safetensors");
        File.WriteAllBytes(damaged, [255, 255, 255, 255, 255, 255, 255, 127, 1, 2, 3]);
        Assert.That(async () => await Verifier.VerifyAsync(damaged), Throws.InstanceOf<WeightsException>().With.Message.Contains(damaged));
        File.WriteAllText(damaged, "this is not a golden file at all");
        Assert.That(async () => await Verifier.VerifyAsync(damaged), Throws.InstanceOf<WeightsException>());
    }

    [Test]
    public async Task VerifyAsync_token_line_with_a_wrong_id_fails()
    {
        string[] lines = File.ReadAllLines(Path.Combine(Goldens, "t5_tokens.jsonl"));
        JsonNode first = JsonNode.Parse(lines[0])!;
        first["ids"]![0] = 7;
        string path = Path.Combine(Directory.CreateTempSubdirectory("ts-verify").FullName, "tokens.jsonl");
        File.WriteAllLines(path, [first.ToJsonString(), .. lines.Skip(1)]);
        VerificationReport report = await Verifier.VerifyAsync(path, new VerificationOptions { Vocabulary = Vocabulary() });
        Assert.That(report.Failed, Is.EqualTo(1));
        Assert.That(report.Results[0].Outcome, Is.EqualTo(VerificationOutcome.Failed));
    }

    private static string Vocabulary() =>
        Directory.EnumerateFiles(Path.Combine(NativeParts.Root, "tests", "golden", "tokenizers"), "spiece.model", SearchOption.AllDirectories).First();

    private delegate void Change(Span<byte> data);

    /// <summary>A copy of a golden with one tensor changed.</summary>
    private static string Tamper(string name, string key, Change change)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(Goldens, name));
        int headerBytes = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        JsonNode header = JsonNode.Parse(bytes.AsSpan(8, headerBytes))!;
        int begin = (int)header[key]!["data_offsets"]![0]!, end = (int)header[key]!["data_offsets"]![1]!;
        change(bytes.AsSpan(8 + headerBytes + begin, end - begin));
        return Save(bytes);
    }

    /// <summary>A copy with tensors under names of the same length.</summary>
    private static string Rename(string name, params (string From, string To)[] renamed)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(Goldens, name));
        int headerBytes = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        string header = Encoding.UTF8.GetString(bytes, 8, headerBytes);
        foreach ((string from, string to) in renamed) header = header.Replace($"\"{from}\"", $"\"{to}\"");
        Assert.That(Encoding.UTF8.GetByteCount(header), Is.EqualTo(headerBytes));
        Encoding.UTF8.GetBytes(header, bytes.AsSpan(8));
        return Save(bytes);
    }

    private static string Write(byte[] data, Dictionary<string, string> metadata)
    {
        var header = new JsonObject { ["__metadata__"] = new JsonObject(metadata.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))) };
        byte[] json = Encoding.UTF8.GetBytes(header.ToJsonString());
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return Save([.. length, .. json, .. data]);
    }

    private static string Save(byte[] bytes)
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("ts-verify").FullName, "golden.safetensors");
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
