using System.Text.Json;
using ThinkSound.Networks;

namespace ThinkSound.Tests.Networks;

public sealed class NetworkRunnerTests
{
    [SetUp]
    public void NeedsLibrary() => NativeParts.Require();

    [Test]
    public async Task A_network_by_itself_gives_what_the_engine_gives()
    {
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, 64 * 5).Select(_ => random.NextSingle() * 2 - 1)];
        using NetworkRunner vae = await NetworkRunner.CreateAsync(Vae());
        IReadOnlyList<Tensor> results = await vae.RunAsync("decode", [Tensor.Of("latent", values, 1, 64, 5)]);
        Tensor audio = results.Single(t => t.Name == "audio");
        Assert.That(audio.Shape, Is.EqualTo(new long[] { 1, 2, 5 * 2048 }));

        using var engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle, Device = "cpu", Precision = Precision.Float32 });
        using ThinkSoundSession session = engine.CreateSession();
        AudioClip clip = await session.DecodeAsync(new Latent(64, 5, values));
        double error = 0, norm = 0;
        for (int i = 0; i < clip.Planar.Length; i++)
        {
            error += Math.Pow(clip.Planar.Span[i] - audio.AsFloats()[i], 2);
            norm += Math.Pow(audio.AsFloats()[i], 2);
        }
        Assert.That(Math.Sqrt(error / norm), Is.LessThan(1e-5));
    }

    [Test]
    public void Intermediates_come_only_when_asked_for_and_outputs_are_marked()
    {
        using NetworkRunner vae = NetworkRunner.Create(Vae());
        Tensor latent = Tensor.Of("latent", new float[64 * 2], 1, 64, 2);
        var outputs = new List<string>();
        var intermediates = new List<string>();
        void Take(TensorView tensor) => (tensor.IsOutput ? outputs : intermediates).Add(tensor.Name);
        vae.Run("decode", [latent], null, Take);
        Assert.That((outputs.Count, intermediates.Count), Is.EqualTo((1, 0)));
        vae.Run("decode", [latent], null, Take, withIntermediates: true);
        Assert.That(outputs, Has.Count.EqualTo(2));
    }

    [Test]
    public void What_a_handler_throws_comes_back_and_a_token_stops_the_run()
    {
        using NetworkRunner vae = NetworkRunner.Create(Vae());
        Tensor[] latent = [Tensor.Of("latent", new float[64 * 2], 1, 64, 2)];
        var fault = new InvalidTimeZoneException("mine");
        Assert.That(Assert.Throws<InvalidTimeZoneException>(() => vae.Run("decode", latent, null, _ => throw fault)), Is.SameAs(fault));
        using var source = new CancellationTokenSource();
        Assert.Catch<OperationCanceledException>(() => vae.Run("decode", latent, null, _ => source.Cancel(), cancellationToken: source.Token));
        Assert.That(() => vae.Run("decode", latent, null, _ => { }), Throws.Nothing);
    }

    [Test]
    public void Bad_inputs_are_named()
    {
        using NetworkRunner vae = NetworkRunner.Create(Vae());
        Assert.That(() => vae.Run("decode", [Tensor.Of("latent", new float[63 * 2], 1, 63, 2)], null, _ => { }),
                    Throws.ArgumentException.With.Message.Contains("latent"));
        Assert.That(() => vae.Run("decode", [Tensor.Of("latent", new float[5], 1, 64, 2)], null, _ => { }),
                    Throws.ArgumentException.With.Message.Contains("needs 512 bytes, not 20"));
        Assert.That(() => vae.Run("decode", [], null, _ => { }), Throws.ArgumentException.With.Message.Contains("latent"));
        Assert.That(() => vae.Run("sing", [], null, _ => { }), Throws.InstanceOf<Exception>().With.Message.Contains("sing"));
        Assert.That(() => vae.Run("decode", [Tensor.Of("latent", new float[1], 1, 1, 1, 1, 1, 1)], null, _ => { }),
                    Throws.ArgumentException.With.Message.Contains("five"));
    }

    [Test]
    public void Bad_networks_are_refused()
    {
        Assert.That(() => NetworkRunner.Create(Vae() with { Kind = "opera" }), Throws.InstanceOf<Exception>().With.Message.Contains("opera"));
        Assert.That(() => NetworkRunner.Create(Vae() with { Config = "{" }), Throws.InstanceOf<ThinkSoundException>().Or.InstanceOf<ArgumentException>());
        Assert.That(() => NetworkRunner.Create(Vae() with { Sources = [new WeightSource("/nowhere.safetensors")] }),
                    Throws.TypeOf<ResourceNotFoundException>().With.Message.Contains("/nowhere.safetensors"));
        Assert.That(() => NetworkRunner.Create(Vae() with { Sources = [new WeightSource(Path.Combine(NativeParts.Bundle, "t5.safetensors"))] }),
                    Throws.TypeOf<WeightsException>());
    }

    [Test]
    public void A_network_that_is_disposed_of_says_so()
    {
        NetworkRunner vae = NetworkRunner.Create(Vae());
        vae.Dispose();
        vae.Dispose();
        Assert.That(() => vae.Run("decode", [], null, _ => { }), Throws.TypeOf<ObjectDisposedException>());
    }

    private static NetworkOptions Vae()
    {
        using JsonDocument bundle = JsonDocument.Parse(File.ReadAllText(Path.Combine(NativeParts.Bundle, "bundle.json")));
        JsonElement vae = bundle.RootElement.GetProperty("components").GetProperty("vae");
        return new NetworkOptions
        {
            Kind = "vae",
            Config = vae.GetProperty("config").GetRawText(),
            Sources = [new WeightSource(Path.Combine(NativeParts.Bundle, vae.GetProperty("files")[0].GetString()!),
                                        vae.TryGetProperty("prefix", out JsonElement prefix) ? prefix.GetString() ?? "" : "")],
        };
    }
}
