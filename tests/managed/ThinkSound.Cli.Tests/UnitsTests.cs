namespace ThinkSound.Cli.Tests;

public sealed class UnitsTests
{
    [TestCase(-16.24, "−16.2")]
    [TestCase(-0.04, "0.0")]
    [TestCase(0.0, "0.0")]
    [TestCase(1.26, "1.3")]
    public void Levels_have_one_place_a_true_minus_and_no_signed_zero(double level, string text) => Assert.That(Units.Decibels(level), Is.EqualTo(text));
}
