using ThinkSound.Reasoning.Onnx.Sampling;

namespace ThinkSound.Reasoning.Onnx.Tests.Sampling;

public class TokenSamplerTests
{
    // Known answers that the authors of Philox publish with it (Random123, philox4x32 with 10 rounds).
    [TestCase(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [TestCase(uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [TestCase(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdcceb, 0x5001e420u, 0x24126ea1u)]
    public void Philox_gives_its_published_answers(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint r0, uint r1, uint r2, uint r3) =>
        Assert.That(Philox.Block((c0, c1, c2, c3), (k0, k1)), Is.EqualTo((r0, r1, r2, r3)));

    private static double[] Shares(TokenSampler sampler, float[] logits, int draws = 20000)
    {
        var counts = new double[logits.Length];
        for (int i = 0; i < draws; i++) counts[sampler.Next([.. logits])] += 1.0 / draws;
        return counts;
    }

    private static float[] Logs(params double[] probabilities) => [.. probabilities.Select(p => (float)Math.Log(p))];

    // Six standard deviations of a share over 20 000 draws: 6 · √(0.25 / 20 000).
    private const double Spread = 0.022;

    [Test]
    public void No_temperature_takes_the_first_of_the_likeliest() =>
        Assert.That(new TokenSampler(0, 1, 0, 1, 7).Next([1, 5, 2, 5]), Is.EqualTo(1));

    [Test]
    public void Draws_follow_the_probabilities()
    {
        Assert.That(Shares(new TokenSampler(1, 1, 0, 1, 1), Logs(0.5, 0.3, 0.2)), Is.EqualTo(new[] { 0.5, 0.3, 0.2 }).Within(Spread));
        // At half the temperature probabilities are squared: 25 : 9 : 4 of 38.
        Assert.That(Shares(new TokenSampler(0.5f, 1, 0, 1, 2), Logs(0.5, 0.3, 0.2)), Is.EqualTo(new[] { 25 / 38.0, 9 / 38.0, 4 / 38.0 }).Within(Spread));
    }

    [Test]
    public void Top_p_keeps_the_likeliest_that_reach_it()
    {
        // 0.4 + 0.3 reach 0.6; alone 0.4 does not. What is left is drawn 4 : 3.
        Assert.That(Shares(new TokenSampler(1, 0.6f, 0, 1, 3), Logs(0.1, 0.4, 0.2, 0.3)), Is.EqualTo(new[] { 0, 4 / 7.0, 0, 3 / 7.0 }).Within(Spread));
        Assert.That(Shares(new TokenSampler(1, 0.001f, 0, 1, 4), Logs(0.1, 0.4, 0.2, 0.3)), Is.EqualTo(new double[] { 0, 1, 0, 0 }).Within(1e-9), "always one");
    }

    [Test]
    public void Top_k_keeps_as_many_and_top_p_counts_among_them()
    {
        Assert.That(Shares(new TokenSampler(1, 1, 2, 1, 5), Logs(0.1, 0.4, 0.2, 0.3)), Is.EqualTo(new[] { 0, 4 / 7.0, 0, 3 / 7.0 }).Within(Spread));
        // Among the two likeliest the first has 4/7, which reaches 0.57.
        Assert.That(Shares(new TokenSampler(1, 0.57f, 2, 1, 6), Logs(0.1, 0.4, 0.2, 0.3)), Is.EqualTo(new double[] { 0, 1, 0, 0 }).Within(1e-9));
        Assert.That(Shares(new TokenSampler(1, 1, 1, 1, 8), Logs(0.25, 0.25, 0.25, 0.25)), Is.EqualTo(new double[] { 1, 0, 0, 0 }).Within(1e-9), "of equals the first");
    }

    [Test]
    public void A_repetition_penalty_holds_down_what_was_seen()
    {
        var sampler = new TokenSampler(0, 1, 0, 2, 0);
        sampler.See([0]);
        float[] logits = [3, 2, -1];
        Assert.That(sampler.Next(logits), Is.EqualTo(1));
        Assert.That(logits, Is.EqualTo(new[] { 1.5f, 2, -1 }));
        sampler.See([2]);
        logits = [3, 2, -1];
        Assert.That(sampler.Next(logits), Is.EqualTo(0), "1 has been drawn");
        Assert.That(logits, Is.EqualTo(new[] { 1.5f, 1, -2 }), "negative ones grow");
    }

    [Test]
    public void The_same_seed_draws_the_same_and_another_one_not()
    {
        float[] logits = [.. Enumerable.Range(0, 50).Select(i => (float)Math.Sin(i))];
        int[] Draw(ulong seed)
        {
            var sampler = new TokenSampler(1, 0.9f, 0, 1, seed);
            return [.. Enumerable.Range(0, 40).Select(_ => sampler.Next([.. logits]))];
        }
        Assert.That(Draw(11), Is.EqualTo(Draw(11)));
        Assert.That(Draw(11), Is.Not.EqualTo(Draw(12)));
    }

    [Test]
    public void Logits_that_are_no_numbers_are_an_error() =>
        Assert.That(() => new TokenSampler(0, 1, 0, 1, 0).Next([1, float.NaN, 2]), Throws.InstanceOf<ReasoningModelException>().With.Message.Contain("NaN"));
}
